/* codec.h - the codings of an archive's objects: which there are, and streams through them.
 *
 * One table lists them; a coding is a file beside this one and a line there. Writing is done by the
 * coding's own library; what we only read goes to libarchive.
 */
#ifndef CODEC_CODEC_H
#define CODEC_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/stream.h"

struct error;
struct codec;
struct encoder;
struct decoder;

/* How the label is placed before the coded bytes (codec/label.h). */
enum codec_label_place {
    CODEC_LABEL_NONE,
    CODEC_LABEL_SKIPPABLE_FRAME, /* zstd and lz4: frame of magic 0x184D2A57 */
    CODEC_LABEL_GZIP_EXTRA,      /* RFC 1952 FEXTRA subfield of the first member's header */
};

struct codec {
    const char *name;   /* as --compress spells it */
    const char *suffix; /* of object names, with the dot; "" for none */
    enum codec_label_place label_place;
    unsigned char magic[6]; /* first bytes of coded data */
    size_t magic_length;
    int level_min, level_max, level_default; /* all 0: it has no levels */
    /* NULL: read only. The head (label and, for gzip, the header) is not written by the encoder. */
    struct encoder *(*encoder_open)(int level, uint64_t raw_size, struct sink sink,
                                    struct error *error);
    struct decoder *(*decoder_open)(struct source source, struct error *error);
};

/* A coding to write with. */
struct codec_choice {
    const struct codec *codec;
    int level;
};

enum { CODEC_MAX = 16 }; /* there are never more codings than this */

/* The codings in table order, the most likely first; NULL behind the last index. */
const struct codec *codec_at(size_t index);

/* Reads "zstd", "gzip:6", "none". ERROR_USAGE names what is allowed. */
int codec_choice_parse(const char *text, struct codec_choice *choice, struct error *error);

/* The coding that these first bytes of coded data show, behind skippable frames if there are any;
 * "none" when they show no other. Never NULL. */
const struct codec *codec_detect(const void *coded, size_t size);

/* Encoding. The coded data may be several frames or members. encoder_open returns NULL on failure;
 * `raw_size` is the exact number of bytes that will be written, 0 when unknown. encoder_finish ends
 * the coded data and must be the last call before encoder_close; an encoder that was not finished
 * has written an incomplete stream. The error class is ERROR_SYSTEM or what the sink sets. */
struct encoder *encoder_open(struct codec_choice choice, uint64_t raw_size, struct sink sink,
                             struct error *error);
int encoder_write(struct encoder *encoder, const void *data, size_t size, struct error *error);
int encoder_finish(struct encoder *encoder, struct error *error);
void encoder_close(struct encoder *encoder);

/* Decoding. The source begins with the coded data (for gzip: with the member's header; skippable
 * frames may come first in zstd and lz4). decoder_read returns bytes, 0 at the end, -1 on error:
 * ERROR_CORRUPT when the data is damaged, ends early or has something behind its end (which
 * libarchive does not always see), ERROR_SYSTEM,
 * or what the source sets. Output is never larger than asked for, memory is bounded. */
struct decoder *decoder_open(const struct codec *codec, struct source source, struct error *error);
ssize_t decoder_read(struct decoder *decoder, void *data, size_t size, struct error *error);
void decoder_close(struct decoder *decoder);
struct source decoder_source(struct decoder *decoder);

#endif
