#include "codec/codec.h"
#include "base/error.h"
#include "codec/stream.h"

#include <stdlib.h>
#include <string.h>

/* Magic numbers: RFC 8878 (zstd), the LZ4 frame format 1.6.1, RFC 1952 (gzip), and the first bytes
 * that xz, bzip2, lzip and LZMA-alone files have. */
/* clang-format off */
static const struct codec codecs[] = {
    /* name   suffix   place of the label           magic, its length                       levels     encoder, decoder */
    {"zstd",  ".zst",  CODEC_LABEL_SKIPPABLE_FRAME, {0x28, 0xb5, 0x2f, 0xfd}, 4,            1, 19, 1,  zstd_encoder_open, zstd_decoder_open},
    {"lz4",   ".lz4",  CODEC_LABEL_SKIPPABLE_FRAME, {0x04, 0x22, 0x4d, 0x18}, 4,            1, 12, 1,  lz4_encoder_open, lz4_decoder_open},
    {"gzip",  ".gz",   CODEC_LABEL_GZIP_EXTRA,      {0x1f, 0x8b, 0x08}, 3,                  1, 9, 6,   gzip_encoder_open, gzip_decoder_open},
    {"none",  "",      CODEC_LABEL_NONE,            {0}, 0,                                 0, 0, 0,   none_encoder_open, none_decoder_open},
    {"xz",    ".xz",   CODEC_LABEL_NONE,            {0xfd, '7', 'z', 'X', 'Z', 0}, 6,       0, 0, 0,   NULL, foreign_decoder_open},
    {"bzip2", ".bz2",  CODEC_LABEL_NONE,            {'B', 'Z', 'h'}, 3,                     0, 0, 0,   NULL, foreign_decoder_open},
    {"lzma",  ".lzma", CODEC_LABEL_NONE,            {0x5d, 0, 0}, 3,                        0, 0, 0,   NULL, foreign_decoder_open},
    {"lzip",  ".lz",   CODEC_LABEL_NONE,            {'L', 'Z', 'I', 'P'}, 4,                0, 0, 0,   NULL, foreign_decoder_open},
};
/* clang-format on */

enum { CODEC_COUNT = sizeof codecs / sizeof *codecs };
_Static_assert(sizeof codecs / sizeof *codecs <= CODEC_MAX, "raise CODEC_MAX");

const struct codec *codec_at(size_t index)
{
    return index < CODEC_COUNT ? &codecs[index] : NULL;
}

static const struct codec *find_writable(const char *name, size_t length)
{
    for (size_t i = 0; i < CODEC_COUNT; i++)
        if (codecs[i].encoder_open && strlen(codecs[i].name) == length &&
            strncmp(codecs[i].name, name, length) == 0)
            return &codecs[i];
    return NULL;
}

static int parse_level(const struct codec *codec, const char *text, int *level, struct error *error)
{
    char *end;
    long value = strtol(text, &end, 10);
    if (*text >= '0' && *text <= '9' && !*end && codec->level_max > 0 &&
        value >= codec->level_min && value <= codec->level_max) {
        *level = (int)value;
        return 0;
    }
    if (codec->level_max == 0)
        return error_set(error, ERROR_USAGE, "compress: %s has no levels", codec->name);
    return error_set(error, ERROR_USAGE, "compress: level \"%s\" of %s is not from %d to %d", text,
                     codec->name, codec->level_min, codec->level_max);
}

int codec_choice_parse(const char *text, struct codec_choice *choice, struct error *error)
{
    size_t length = strcspn(text, ":");
    choice->codec = find_writable(text, length);
    if (!choice->codec)
        return error_set(error, ERROR_USAGE,
                         "compress: \"%s\" is none of none, gzip[:1-9], lz4[:1-12], zstd[:1-19]",
                         text);
    choice->level = choice->codec->level_default;
    return text[length] ? parse_level(choice->codec, text + length + 1, &choice->level, error) : 0;
}

/* Bytes of skippable frames at the beginning, as pzstd writes them; decoders skip them by
 * themselves. More than `size` when the last goes on behind it. */
static size_t skippable_length(const unsigned char *data, size_t size)
{
    size_t length = 0;
    while (length < size && size - length >= 8 && (data[length] & 0xf0) == 0x50 &&
           memcmp(data + length + 1, "\x2a\x4d\x18", 3) == 0) {
        const unsigned char *field = data + length + 4;
        length += 8 + ((size_t)field[0] | (size_t)field[1] << 8 | (size_t)field[2] << 16 |
                       (size_t)field[3] << 24);
    }
    return length;
}

const struct codec *codec_detect(const void *coded, size_t size)
{
    const struct codec *none = NULL;
    size_t skip = skippable_length(coded, size);
    const unsigned char *data = coded;
    data += skip < size ? skip : 0;
    size -= skip < size ? skip : 0;
    for (size_t i = 0; i < CODEC_COUNT; i++) {
        if (codecs[i].magic_length == 0)
            none = &codecs[i];
        else if (size >= codecs[i].magic_length &&
                 memcmp(data, codecs[i].magic, codecs[i].magic_length) == 0)
            return &codecs[i];
    }
    return none;
}

struct encoder *encoder_open(struct codec_choice choice, uint64_t raw_size, struct sink sink,
                             struct error *error)
{
    return choice.codec->encoder_open(choice.level, raw_size, sink, error);
}

int encoder_write(struct encoder *encoder, const void *data, size_t size, struct error *error)
{
    return encoder->write(encoder, data, size, error);
}

int encoder_finish(struct encoder *encoder, struct error *error)
{
    return encoder->finish(encoder, error);
}

void encoder_close(struct encoder *encoder)
{
    if (encoder)
        encoder->close(encoder);
}

struct decoder *decoder_open(const struct codec *codec, struct source source, struct error *error)
{
    return codec->decoder_open(source, error);
}

ssize_t decoder_read(struct decoder *decoder, void *data, size_t size, struct error *error)
{
    return decoder->read(decoder, data, size, error);
}

void decoder_close(struct decoder *decoder)
{
    if (decoder)
        decoder->close(decoder);
}

static ssize_t source_read(void *context, void *data, size_t size, struct error *error)
{
    return decoder_read(context, data, size, error);
}

struct source decoder_source(struct decoder *decoder)
{
    return (struct source){source_read, decoder};
}

int codec_input_fill(struct codec_input *input, struct error *error)
{
    if (input->used < input->filled)
        return 1;
    ssize_t n = input->source.read(input->source.context, input->data, sizeof input->data, error);
    if (n < 0)
        return -1;
    input->used = 0;
    input->filled = (size_t)n;
    return n > 0;
}
