/* archive/object.h - the names of an archive's objects: a WAL name and the suffix of its coding. */
#ifndef ARCHIVE_OBJECT_H
#define ARCHIVE_OBJECT_H

#include <stdbool.h>

#include "codec/codec.h"
#include "wal/name.h"

enum { OBJECT_KEY_MAX = WAL_NAME_MAX + 16 };

struct object_key {
    char text[OBJECT_KEY_MAX + 1];
};

/* "000000010000000000000003" and zstd: "000000010000000000000003.zst". */
struct object_key object_key(const struct wal_name *name, const struct codec *codec);

/* The other way. False when the key is no object's. */
bool object_parse(const char *key, struct wal_name *name, const struct codec **codec);

#endif
