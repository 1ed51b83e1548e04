#include "wal/name.h"

#include <string.h>

enum {
    GROUP_LENGTH = 8, /* a number of 32 bits, in hex */
    HISTORY_NAME_LENGTH = 16,
};

static bool parse_group(const char *text, uint32_t *value)
{
    static const char digits[] = "0123456789ABCDEF";
    *value = 0;
    for (int i = 0; i < GROUP_LENGTH; i++) {
        const char *digit = memchr(digits, text[i], 16);
        if (!digit)
            return false;
        *value = *value << 4 | (uint32_t)(digit - digits);
    }
    return true;
}

static bool is_text(const char *text, size_t length, const char *expected)
{
    return length == strlen(expected) && !memcmp(text, expected, length);
}

static bool parse_history(const char *text, size_t length, struct wal_name *name)
{
    if (length != HISTORY_NAME_LENGTH ||
        !is_text(text + GROUP_LENGTH, length - GROUP_LENGTH, ".history"))
        return false;
    name->kind = WAL_HISTORY;
    return true;
}

/* What follows the 24 digits decides the kind. */
static bool parse_suffix(const char *suffix, size_t length, struct wal_name *name)
{
    if (length == 0) {
        name->kind = WAL_SEGMENT;
        return true;
    }
    if (is_text(suffix, length, ".partial")) {
        name->kind = WAL_PARTIAL;
        return true;
    }
    name->kind = WAL_BACKUP;
    return length == WAL_NAME_MAX - WAL_SEGMENT_NAME_LENGTH && suffix[0] == '.' &&
           parse_group(suffix + 1, &name->offset) &&
           is_text(suffix + 1 + GROUP_LENGTH, length - 1 - GROUP_LENGTH, ".backup");
}

static bool parse_segment(const char *text, size_t length, struct wal_name *name)
{
    return length >= WAL_SEGMENT_NAME_LENGTH && parse_group(text + GROUP_LENGTH, &name->log) &&
           parse_group(text + 2 * GROUP_LENGTH, &name->segment) &&
           parse_suffix(text + WAL_SEGMENT_NAME_LENGTH, length - WAL_SEGMENT_NAME_LENGTH, name);
}

bool wal_name_parse(const char *text, size_t length, struct wal_name *name)
{
    *name = (struct wal_name){0};
    if (length < HISTORY_NAME_LENGTH || length > WAL_NAME_MAX ||
        !parse_group(text, &name->timeline))
        return false;
    memcpy(name->text, text, length);
    return parse_history(text, length, name) || parse_segment(text, length, name);
}

const char *wal_kind_text(enum wal_kind kind)
{
    static const char *const texts[] = {
        [WAL_SEGMENT] = "WAL segment",
        [WAL_PARTIAL] = "partial WAL segment",
        [WAL_HISTORY] = "timeline history file",
        [WAL_BACKUP] = "backup history file",
    };
    return texts[kind];
}

bool wal_name_address(const struct wal_name *name, uint64_t segment_size, uint64_t *address)
{
    if (segment_size == 0 || name->segment >= (UINT64_C(1) << 32) / segment_size)
        return false;
    *address = ((uint64_t)name->log << 32) + name->segment * segment_size;
    return true;
}
