#include "archive/sealed.h"
#include "base/error.h"
#include "wal/crc32c.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { CHECK_LINE = 16 /* "crc32c=01234567\n" */ };

static void check_line(const char *text, size_t length, char line[CHECK_LINE + 1])
{
    uint32_t crc = ~wal_crc32c(WAL_CRC32C_INIT, text, length);
    snprintf(line, CHECK_LINE + 1, "crc32c=%08" PRIx32 "\n", crc);
}

int sealed_close(struct buf *text, struct error *error)
{
    char line[CHECK_LINE + 1];
    check_line(text->data, text->length, line);
    return buf_append(text, line, CHECK_LINE, error);
}

int sealed_read(struct storage *storage, const char *key, struct sealed *sealed,
                struct error *error)
{
    struct storage_download *download = storage_download(storage, key, error);
    if (!download)
        return -1;
    ssize_t n = source_fill(storage_download_source(download), sealed->text, SEALED_MAX, error);
    storage_download_close(download);
    if (n < 0)
        return -1;
    sealed->length = (size_t)n;
    sealed->text[n] = '\0';
    return 0;
}

enum sealed_state sealed_check(const struct sealed *sealed, const char *title, const char *version)
{
    char line[CHECK_LINE + 1];
    size_t titled = strlen(title);
    if (sealed->length <= CHECK_LINE || strncmp(sealed->text, title, titled) != 0)
        return SEALED_DAMAGED;
    check_line(sealed->text, sealed->length - CHECK_LINE, line);
    if (memcmp(sealed->text + sealed->length - CHECK_LINE, line, CHECK_LINE) != 0)
        return SEALED_DAMAGED;
    bool known = strncmp(sealed->text + titled, version, strlen(version)) == 0;
    return known ? SEALED_WHOLE : SEALED_LATER;
}

bool sealed_value(const struct sealed *sealed, const char *key, char *value, size_t size)
{
    size_t length = strlen(key);
    for (const char *line = sealed->text; (line = strchr(line, '\n'));) {
        line++;
        if (strncmp(line, key, length) != 0 || line[length] != '=')
            continue;
        const char *begin = line + length + 1;
        int n = snprintf(value, size, "%.*s", (int)strcspn(begin, "\n"), begin);
        return n >= 0 && (size_t)n < size;
    }
    return false;
}
