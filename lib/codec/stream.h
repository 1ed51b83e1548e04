/* codec/stream.h - what each coding implements. Only for files of this room. */
#ifndef CODEC_STREAM_H
#define CODEC_STREAM_H

#include "codec/codec.h"

struct encoder {
    int (*write)(struct encoder *encoder, const void *data, size_t size, struct error *error);
    int (*finish)(struct encoder *encoder, struct error *error);
    void (*close)(struct encoder *encoder);
    struct sink sink;
};

struct decoder {
    ssize_t (*read)(struct decoder *decoder, void *data, size_t size, struct error *error);
    void (*close)(struct decoder *decoder);
    struct source source;
};

/* Bytes on their way through a coding, both directions. */
enum { CODEC_BUFFER_SIZE = 256 * 1024 };

/* Coded bytes that a decoder has read from its source and not yet used. */
struct codec_input {
    struct source source;
    size_t used, filled;
    unsigned char data[CODEC_BUFFER_SIZE];
};

/* Makes sure that there is unused input. Returns 1, 0 at the source's end, -1 on error. */
int codec_input_fill(struct codec_input *input, struct error *error);

struct encoder *none_encoder_open(int level, uint64_t raw_size, struct sink sink,
                                  struct error *error);
struct decoder *none_decoder_open(struct source source, struct error *error);
struct encoder *zstd_encoder_open(int level, uint64_t raw_size, struct sink sink,
                                  struct error *error);
struct decoder *zstd_decoder_open(struct source source, struct error *error);
struct encoder *lz4_encoder_open(int level, uint64_t raw_size, struct sink sink,
                                 struct error *error);
struct decoder *lz4_decoder_open(struct source source, struct error *error);
struct encoder *gzip_encoder_open(int level, uint64_t raw_size, struct sink sink,
                                  struct error *error);
struct decoder *gzip_decoder_open(struct source source, struct error *error);
struct decoder *foreign_decoder_open(struct source source, struct error *error);

#endif
