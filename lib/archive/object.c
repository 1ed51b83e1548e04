#include "archive/object.h"

#include <stdio.h>
#include <string.h>

struct object_key object_key(const struct wal_name *name, const struct codec *codec)
{
    struct object_key key;
    snprintf(key.text, sizeof key.text, "%s%s", name->text, codec->suffix);
    return key;
}

/* Takes the tail off when the first *length bytes of name end in it. */
static bool strip(const char *name, size_t *length, const char *tail)
{
    size_t tail_length = strlen(tail);
    if (*length < tail_length || strncmp(name + *length - tail_length, tail, tail_length) != 0)
        return false;
    *length -= tail_length;
    return true;
}

/* A coding's other suffixes. pgmoneta writes .zstd. */
static const struct alias {
    const char *suffix, *codec;
} aliases[] = {{".zstd", "zstd"}};

/* What other tools write and is not read here: WAL-G, barman-cloud, WAL-E, pgmoneta, scripts. */
static const struct unreadable {
    const char *suffix, *what;
} unreadables[] = {
    {".br", "compressed with brotli"}, {".snappy", "compressed with snappy"},
    {".lzo", "compressed with lzop"},  {".aes", "encrypted (AES)"},
    {".gpg", "encrypted (GnuPG)"},     {".enc", "encrypted"},
};

static const char *unreadable_of(const char *name, size_t *length)
{
    for (size_t i = 0; i < sizeof unreadables / sizeof *unreadables; i++)
        if (strip(name, length, unreadables[i].suffix))
            return unreadables[i].what;
    return NULL;
}

static const struct codec *codec_of(const char *name, size_t *length)
{
    const struct codec *codec, *none = NULL;
    for (size_t i = 0; (codec = codec_at(i)); i++) {
        if (!*codec->suffix)
            none = codec;
        else if (strip(name, length, codec->suffix))
            return codec;
        for (size_t j = 0; j < sizeof aliases / sizeof *aliases; j++)
            if (strcmp(aliases[j].codec, codec->name) == 0 &&
                strip(name, length, aliases[j].suffix))
                return codec;
    }
    return none;
}

static void strip_sha1(const char *name, size_t *length, char sha1[SHA1_HEX_SIZE + 1])
{
    *sha1 = '\0';
    if (*length <= SHA1_HEX_SIZE)
        return;
    const char *hex = name + *length - SHA1_HEX_SIZE;
    if (hex[-1] != '-' || strspn(hex, "0123456789abcdef") < SHA1_HEX_SIZE)
        return;
    snprintf(sha1, SHA1_HEX_SIZE + 1, "%s", hex);
    *length -= SHA1_HEX_SIZE + 1;
}

/* "SEGMENT.gz.partial" is the partial segment in a coding, named the other way round. */
static bool parse_turned(const char *name, size_t length, struct object *object)
{
    char turned[WAL_NAME_MAX + 1];
    if (!strip(name, &length, ".partial"))
        return false;
    object->codec = codec_of(name, &length);
    if (length != WAL_SEGMENT_NAME_LENGTH)
        return false;
    int size = snprintf(turned, sizeof turned, "%.*s.partial", (int)length, name);
    return wal_name_parse(turned, (size_t)size, &object->name);
}

bool object_parse(const char *key, struct object *object)
{
    const char *slash = strrchr(key, '/');
    const char *name = slash ? slash + 1 : key;
    size_t whole = strlen(name), length = whole;
    object->unreadable = unreadable_of(name, &length);
    object->codec = codec_of(name, &length);
    strip_sha1(name, &length, object->sha1);
    return wal_name_parse(name, length, &object->name) || parse_turned(name, whole, object);
}
