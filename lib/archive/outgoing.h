/* archive/outgoing.h - an object on its way into the archive: encoded and labelled, waiting to be
 * committed. */
#ifndef ARCHIVE_OUTGOING_H
#define ARCHIVE_OUTGOING_H

#include "archive/archive.h"
#include "archive/object.h"
#include "archive/walfile.h"
#include "codec/label.h"

struct error;

struct outgoing {
    struct wal_name name;
    struct object_key key;
    struct label label; /* raw_sha256 is "" until the file has been read to its end */
    uint64_t size;      /* of the file, bytes */
    uint16_t magic;     /* of a segment whose release is not known; else 0 */
    struct buf head, attributes;
    struct object_key rival_keys[CODEC_MAX]; /* the same name in other codings */
    const char *rivals[CODEC_MAX + 1];
    struct storage_upload *upload;
};

/* Reads the file to its end into an upload of the archive's coding. The caller closes it, also
 * after a failure: classes as walfile_next and storage_upload, ERROR_EXISTS among them. */
int outgoing_prepare(struct outgoing *outgoing, struct archive *archive, struct walfile *file,
                     struct error *error);
void outgoing_close(struct outgoing *outgoing);

/* Commits them, as storage_commit_all. */
int outgoing_commit(struct archive *archive, struct outgoing *list, size_t count,
                    struct error *error);

#endif
