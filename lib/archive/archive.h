/* archive/archive.h - an archive: WAL files of one cluster in a storage. */
#ifndef ARCHIVE_ARCHIVE_H
#define ARCHIVE_ARCHIVE_H

#include "archive/layout.h"
#include "codec/codec.h"
#include "storage/storage.h"

struct error;

/* The caller fills the first five (texts borrowed), the others are archive_open's and
 * archive_recognise's. */
struct archive {
    const char *operand;            /* what the user called it: the location or a section */
    const char *location;           /* as storage_open takes it */
    struct storage_options options; /* for it */
    const char *cache;              /* directory, see memory.h; NULL: the usual one, "none": none */
    struct codec_choice coding;     /* of what is pushed; asked for first by a fetch */
    struct storage *storage;
    struct layout layout;
    uint64_t owner; /* system identifier by the archive's identity; 0: not asked for, or none */
};

/* ERROR_UNREACHABLE, ERROR_USAGE and so on, as storage_open. */
int archive_open(struct archive *archive, struct error *error);
void archive_close(struct archive *archive);

/* Finds out how the archive is laid out, once for as long as it is open. One with an identity is
 * ours, which costs one look. Any other may be another tool's (layout.h): then the storage is
 * opened anew at the place below which the WAL is. Whoever reads a whole archive, or has not found
 * in it what should be there, calls this first. ERROR_USAGE when several archives lie below the
 * location, or one of ours.
 */
int archive_recognise(struct archive *archive, struct error *error);

/* For an archive without identity: ERROR_REFUSED with the advice when it is another tool's, in an
 * order of its own. Such an archive is read, never written to. */
int archive_check_flat(struct archive *archive, const char *advice, struct error *error);

#endif
