/* archive/walfile.h - a file of the server that is to be archived, checked before and while it is
 * read. */
#ifndef ARCHIVE_WALFILE_H
#define ARCHIVE_WALFILE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "wal/name.h"
#include "wal/record.h"
#include "wal/segment.h"

struct error;
struct digest;

struct walfile {
    struct wal_name name;
    const char *path; /* borrowed */
    int fd;
    uint64_t size; /* bytes */
    uint64_t system_identifier;
    const char *server_version; /* "15"; "" when the file doesn't say */
    const char *archived;       /* when it was first, as a label has it (borrowed); NULL: now */
    struct wal_segment segment; /* of a segment or partial */
    uint64_t seen;              /* bytes read so far */
    struct digest *digest;      /* of the bytes read so far */
    unsigned char *portion;
};

/* Opens it and judges what can be judged before reading on: its name, that it is a regular file,
 * and a segment's first page or the whole text of a history file. ERROR_REFUSED, ERROR_CORRUPT (see
 * wal/segment.h and wal/history.h), ERROR_SYSTEM when it can't be read. */
int walfile_open(struct walfile *file, const char *path, struct error *error);

/* The same for a file that is known to be of this cluster: a history file does not say so itself,
 * and there may be no data directory that does. */
int walfile_open_known(struct walfile *file, const char *path, uint64_t system_identifier,
                       struct error *error);
void walfile_close(struct walfile *file);

bool walfile_is_segment(const struct walfile *file);

/* The next portion of the content, *data borrowed until the next call. Returns its length, 0 at the
 * end, -1 on error. Every page header is judged as it goes by; a file that has become shorter or
 * longer is ERROR_CORRUPT. */
ssize_t walfile_next(struct walfile *file, const void **data, struct error *error);

/* SHA-256 in hex of the whole content, once walfile_next has returned 0. */
int walfile_sha256(struct walfile *file, char *hex, struct error *error);

/* Judges a whole segment or partial by its pages and records (wal/record.h): the first `size` bytes
 * of the open file. Classes as there, and ERROR_SYSTEM. */
int walfile_check_records(int fd, const struct wal_name *name, uint64_t size, struct wal_walk *walk,
                          struct error *error);

#endif
