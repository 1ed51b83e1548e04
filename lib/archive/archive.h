/* archive/archive.h - an archive: WAL files of one cluster in a storage. */
#ifndef ARCHIVE_ARCHIVE_H
#define ARCHIVE_ARCHIVE_H

#include "codec/codec.h"
#include "storage/storage.h"

struct error;

/* The caller fills all but storage (texts borrowed), archive_open does the rest. */
struct archive {
    const char *operand;            /* what the user called it: the location or a section */
    const char *location;           /* as storage_open takes it */
    struct storage_options options; /* for it */
    const char *cache;              /* directory, see memory.h; NULL: the usual one, "none": none */
    struct codec_choice coding;     /* of what is pushed; asked for first by a fetch */
    struct storage *storage;
};

/* ERROR_UNREACHABLE, ERROR_USAGE and so on, as storage_open. */
int archive_open(struct archive *archive, struct error *error);
void archive_close(struct archive *archive);

#endif
