/* archive/object.h - the names of an archive's objects: a WAL name and the suffix of its coding,
 * for us and in the ways of other tools. */
#ifndef ARCHIVE_OBJECT_H
#define ARCHIVE_OBJECT_H

#include <stdbool.h>

#include "codec/codec.h"
#include "crypto/sha1.h"
#include "wal/name.h"

enum {
    OBJECT_LOG_LENGTH = 16, /* other tools' directories: a segment's timeline and log */
    /* LOG/SEGMENT.OFFSET.backup-SHA1.lzma is longer than any key there is */
    OBJECT_KEY_MAX = OBJECT_LOG_LENGTH + 1 + WAL_NAME_MAX + 1 + SHA1_HEX_SIZE + 16,
};

struct object_key {
    char text[OBJECT_KEY_MAX + 1];
};

/* "000000010000000000000003" and zstd: "000000010000000000000003.zst". */
struct object_key object_key(const struct wal_name *name, const struct codec *codec);

/* What an object's key says. */
struct object {
    struct wal_name name;
    const struct codec *codec; /* by the suffix; of foreign objects the content has the last word */
    const char *unreadable; /* why it can't be read here, as "compressed with brotli"; NULL: it can
                             */
    char sha1[SHA1_HEX_SIZE + 1]; /* of the raw content, lower-case hex; "" when it is not told */
};

/* Reads the last part of a key: NAME[.SUFFIX], pgBackRest's NAME-SHA1[.SUFFIX], pg_receivewal's
 * SEGMENT.SUFFIX.partial. False when it is no object's. What can't be read is an object too: its
 * name is not absent. */
bool object_parse(const char *key, struct object *object);

#endif
