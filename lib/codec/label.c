#include "codec/label.h"
#include "base/error.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

/* Skippable frames: RFC 8878 section 3.1.2, and the same in the LZ4 frame format. gzip: RFC 1952
 * section 2.3; deflate, only FEXTRA set, no time, no extra flags, operating system unknown. */
static const unsigned char skippable_magic[4] = {0x57, 0x2a, 0x4d, 0x18};
static const unsigned char gzip_header[10] = {0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 255};
static const char gzip_subfield[2] = {'W', 'L'};
static const char title[] = "waltools-label=";
static const char version[] = "1\n";

enum {
    SKIPPABLE_HEADER = 8, /* magic, length of the text (32 bits) */
    GZIP_HEADER =
        sizeof gzip_header + 2 + 4, /* XLEN (16 bits), subfield id, its length (16 bits) */
    CHECK_LINE = 15,                /* "crc32=01234567\n" */
};

static void put_le(unsigned char *to, uint32_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        to[i] = (unsigned char)(value >> (8 * i));
}

static uint32_t get_le(const unsigned char *from, int bytes)
{
    uint32_t value = 0;
    for (int i = 0; i < bytes; i++)
        value |= (uint32_t)from[i] << (8 * i);
    return value;
}

int label_write_fields(const struct label *label, struct buf *out, struct error *error)
{
    return buf_printf(out, error,
                      "name=%s\nraw-size=%" PRIu64 "\nraw-sha256=%-64s\n"
                      "stored-size=%020" PRIu64 "\nstored-crc32c=%08" PRIx32 "\n"
                      "system-identifier=%" PRIu64 "\ntimeline=%" PRIu32 "\n"
                      "server-version=%s\ntime=%-20s\n",
                      label->name, label->raw_size, label->raw_sha256, label->stored_size,
                      label->stored_crc32c, label->system_identifier, label->timeline,
                      label->server_version, label->time);
}

static int write_text(const struct label *label, struct buf *text, struct error *error)
{
    if (buf_printf(text, error, "%s%s", title, version) || label_write_fields(label, text, error))
        return -1;
    uint32_t check = (uint32_t)crc32(0, (const Bytef *)text->data, (uInt)text->length);
    return buf_printf(text, error, "crc32=%08" PRIx32 "\n", check);
}

static int write_skippable(const struct buf *text, struct buf *out, struct error *error)
{
    unsigned char header[SKIPPABLE_HEADER];
    memcpy(header, skippable_magic, sizeof skippable_magic);
    put_le(header + 4, (uint32_t)text->length, 4);
    return buf_append(out, header, sizeof header, error) ||
                   buf_append(out, text->data, text->length, error)
               ? -1
               : 0;
}

static int write_gzip(const struct buf *text, struct buf *out, struct error *error)
{
    unsigned char header[GZIP_HEADER];
    memcpy(header, gzip_header, sizeof gzip_header);
    put_le(header + 10, (uint32_t)text->length + 4, 2);
    memcpy(header + 12, gzip_subfield, sizeof gzip_subfield);
    put_le(header + 14, (uint32_t)text->length, 2);
    return buf_append(out, header, sizeof header, error) ||
                   buf_append(out, text->data, text->length, error)
               ? -1
               : 0;
}

int label_write(const struct label *label, const struct codec *codec, struct buf *out,
                struct error *error)
{
    if (codec->label_place == CODEC_LABEL_NONE)
        return 0;
    struct buf text = {0};
    int result = write_text(label, &text, error);
    if (result == 0)
        result = codec->label_place == CODEC_LABEL_GZIP_EXTRA ? write_gzip(&text, out, error)
                                                              : write_skippable(&text, out, error);
    buf_free(&text);
    return result;
}

/* Where a label's text would be if this is one. */
static size_t text_offset(const unsigned char *data)
{
    return data[0] == gzip_header[0] ? GZIP_HEADER : SKIPPABLE_HEADER;
}

/* Does the head say exactly what label_write would have said around a text of this length? */
static bool framed(const unsigned char *data, size_t offset, size_t length)
{
    if (offset == SKIPPABLE_HEADER)
        return memcmp(data, skippable_magic, sizeof skippable_magic) == 0;
    return memcmp(data, gzip_header, sizeof gzip_header) == 0 &&
           get_le(data + 10, 2) == length + 4 &&
           memcmp(data + 12, gzip_subfield, sizeof gzip_subfield) == 0;
}

static size_t text_length(const unsigned char *data, size_t offset)
{
    return offset == SKIPPABLE_HEADER ? get_le(data + 4, 4) : get_le(data + 14, 2);
}

static bool checked(const char *text, size_t length)
{
    char line[CHECK_LINE + 1];
    if (length < sizeof title + sizeof version + CHECK_LINE)
        return false;
    uint32_t check = (uint32_t)crc32(0, (const Bytef *)text, (uInt)(length - CHECK_LINE));
    snprintf(line, sizeof line, "crc32=%08" PRIx32 "\n", check);
    return memcmp(text + length - CHECK_LINE, line, CHECK_LINE) == 0;
}

/* The value of "key=value\n" in a checked text, copied to `value` of `size` bytes. */
static bool find(const char *text, size_t length, const char *key, char *value, size_t size)
{
    size_t key_length = strlen(key);
    for (const char *line = text, *end = text + length; line < end;) {
        const char *newline = memchr(line, '\n', (size_t)(end - line));
        size_t line_length = newline ? (size_t)(newline - line) : (size_t)(end - line);
        if (line_length > key_length && line[key_length] == '=' &&
            memcmp(line, key, key_length) == 0) {
            size_t value_length = line_length - key_length - 1;
            if (value_length >= size)
                return false;
            memcpy(value, line + key_length + 1, value_length);
            value[value_length] = '\0';
            return true;
        }
        line += line_length + 1;
    }
    return false;
}

static bool find_number(const char *text, size_t length, const char *key, int base,
                        uint64_t maximum, uint64_t *number)
{
    char value[32], *end;
    if (!find(text, length, key, value, sizeof value) || !*value)
        return false;
    *number = strtoull(value, &end, base);
    return !*end && *number <= maximum;
}

bool label_read_fields(const char *text, size_t length, struct label *label)
{
    uint64_t crc, timeline;
    /* Not every place keeps a field without value. */
    if (!find(text, length, "server-version", label->server_version, sizeof label->server_version))
        label->server_version[0] = '\0';
    if (!find(text, length, "name", label->name, sizeof label->name) ||
        !find(text, length, "raw-sha256", label->raw_sha256, sizeof label->raw_sha256) ||
        !find(text, length, "time", label->time, sizeof label->time) ||
        !find_number(text, length, "raw-size", 10, UINT64_MAX, &label->raw_size) ||
        !find_number(text, length, "stored-size", 10, UINT64_MAX, &label->stored_size) ||
        !find_number(text, length, "stored-crc32c", 16, UINT32_MAX, &crc) ||
        !find_number(text, length, "system-identifier", 10, UINT64_MAX,
                     &label->system_identifier) ||
        !find_number(text, length, "timeline", 10, UINT32_MAX, &timeline))
        return false;
    label->stored_crc32c = (uint32_t)crc;
    label->timeline = (uint32_t)timeline;
    return true;
}

static bool is_titled(const char *text)
{
    return memcmp(text, title, sizeof title - 1) == 0;
}

/* Is this the place of a label, by what stands around its text? */
static bool is_marked(const unsigned char *head, size_t offset)
{
    if (offset == SKIPPABLE_HEADER)
        return memcmp(head, skippable_magic, sizeof skippable_magic) == 0;
    return head[3] == gzip_header[3] && memcmp(head + 12, gzip_subfield, sizeof gzip_subfield) == 0;
}

/* One flipped bit in the magic must not turn a label into a frame that is silently skipped, so a
 * label is known by its title or by its marks, and then both must be as they were written. */
int label_read(const void *data, size_t size, struct label *label, size_t *head_length,
               struct error *error)
{
    const unsigned char *head = data;
    size_t offset = size ? text_offset(head) : 0;
    if (size < offset + sizeof title + sizeof version)
        return 0;
    const char *text = (const char *)head + offset;
    size_t length = text_length(head, offset);
    if (!is_titled(text) && !is_marked(head, offset))
        return 0;
    if (!is_titled(text) || length > LABEL_HEAD_MAX - GZIP_HEADER || length > size - offset ||
        !framed(head, offset, length) || !checked(text, length))
        return error_set(error, ERROR_CORRUPT, "damaged label");
    if (memcmp(text + sizeof title - 1, version, sizeof version - 1) != 0)
        return error_set(error, ERROR_REFUSED,
                         "its label has a format that this version of waltools does not know");
    if (!label_read_fields(text, length, label))
        return error_set(error, ERROR_CORRUPT, "damaged label");
    *head_length = offset + length;
    return 1;
}

size_t label_skip(const void *data, size_t head_length)
{
    return text_offset(data) == GZIP_HEADER ? 0 : head_length;
}
