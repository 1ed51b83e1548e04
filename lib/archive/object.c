#include "archive/object.h"

#include <stdio.h>
#include <string.h>

struct object_key object_key(const struct wal_name *name, const struct codec *codec)
{
    struct object_key key;
    snprintf(key.text, sizeof key.text, "%s%s", name->text, codec->suffix);
    return key;
}

bool object_parse(const char *key, struct wal_name *name, const struct codec **codec)
{
    size_t length = strlen(key);
    for (size_t i = 0; codec_at(i); i++) {
        const struct codec *candidate = codec_at(i);
        size_t suffix = strlen(candidate->suffix);
        if (suffix < length && strcmp(key + length - suffix, candidate->suffix) == 0 &&
            wal_name_parse(key, length - suffix, name)) {
            *codec = candidate;
            return true;
        }
    }
    return false;
}
