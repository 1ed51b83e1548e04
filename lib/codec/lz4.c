#include "base/error.h"
#include "codec/stream.h"

#include <lz4frame.h>
#include <stdlib.h>

struct lz4_encoder {
    struct encoder encoder;
    LZ4F_cctx *context;
    LZ4F_preferences_t preferences;
    int started;
    size_t capacity;
    unsigned char *output;
};

static int emit(struct lz4_encoder *lz4, size_t size, struct error *error)
{
    struct sink sink = lz4->encoder.sink;
    if (LZ4F_isError(size))
        return error_set(error, ERROR_SYSTEM, "lz4: %s", LZ4F_getErrorName(size));
    return size ? sink.write(sink.context, lz4->output, size, error) : 0;
}

static int begin(struct lz4_encoder *lz4, struct error *error)
{
    if (lz4->started)
        return 0;
    lz4->started = 1;
    return emit(lz4,
                LZ4F_compressBegin(lz4->context, lz4->output, lz4->capacity, &lz4->preferences),
                error);
}

static int lz4_write(struct encoder *encoder, const void *data, size_t size, struct error *error)
{
    struct lz4_encoder *lz4 = (struct lz4_encoder *)encoder;
    if (begin(lz4, error))
        return -1;
    for (const char *at = data, *end = at + size; at < end;) {
        size_t piece =
            (size_t)(end - at) < CODEC_BUFFER_SIZE ? (size_t)(end - at) : CODEC_BUFFER_SIZE;
        size_t n = LZ4F_compressUpdate(lz4->context, lz4->output, lz4->capacity, at, piece, NULL);
        if (emit(lz4, n, error))
            return -1;
        at += piece;
    }
    return 0;
}

static int lz4_finish(struct encoder *encoder, struct error *error)
{
    struct lz4_encoder *lz4 = (struct lz4_encoder *)encoder;
    if (begin(lz4, error))
        return -1;
    return emit(lz4, LZ4F_compressEnd(lz4->context, lz4->output, lz4->capacity, NULL), error);
}

static void lz4_encoder_close(struct encoder *encoder)
{
    struct lz4_encoder *lz4 = (struct lz4_encoder *)encoder;
    LZ4F_freeCompressionContext(lz4->context);
    free(lz4->output);
    free(lz4);
}

/* The library's level 0 is its fast mode, which the lz4 program calls -1. */
static LZ4F_preferences_t preferences(int level, uint64_t raw_size)
{
    return (LZ4F_preferences_t){
        .frameInfo = {.blockSizeID = LZ4F_max4MB,
                      .blockMode = LZ4F_blockLinked,
                      .contentChecksumFlag = LZ4F_contentChecksumEnabled,
                      .contentSize = raw_size},
        .compressionLevel = level == 1 ? 0 : level,
    };
}

struct encoder *lz4_encoder_open(int level, uint64_t raw_size, struct sink sink,
                                 struct error *error)
{
    struct lz4_encoder *lz4 = calloc(1, sizeof *lz4);
    if (!lz4) {
        error_memory(error);
        return NULL;
    }
    lz4->encoder = (struct encoder){lz4_write, lz4_finish, lz4_encoder_close, sink};
    lz4->preferences = preferences(level, raw_size);
    lz4->capacity = LZ4F_compressBound(CODEC_BUFFER_SIZE, &lz4->preferences);
    lz4->output = malloc(lz4->capacity);
    if (!lz4->output || LZ4F_isError(LZ4F_createCompressionContext(&lz4->context, LZ4F_VERSION))) {
        error_memory(error);
        lz4_encoder_close(&lz4->encoder);
        return NULL;
    }
    return &lz4->encoder;
}

struct lz4_decoder {
    struct decoder decoder;
    LZ4F_dctx *context;
    size_t left; /* what the last call said: 0 at the end of a frame */
    struct codec_input input;
};

static ssize_t lz4_read(struct decoder *decoder, void *data, size_t size, struct error *error)
{
    struct lz4_decoder *lz4 = (struct lz4_decoder *)decoder;
    struct codec_input *input = &lz4->input;
    size_t produced = 0;
    while (produced == 0) {
        int more = codec_input_fill(input, error);
        if (more < 0)
            return -1;
        if (!more && lz4->left == 0)
            return 0;
        size_t consumed = input->filled - input->used;
        produced = size;
        lz4->left = LZ4F_decompress(lz4->context, data, &produced, input->data + input->used,
                                    &consumed, NULL);
        if (LZ4F_isError(lz4->left))
            return error_set(error, ERROR_CORRUPT, "damaged lz4 data: %s",
                             LZ4F_getErrorName(lz4->left));
        input->used += consumed;
        if (!more && produced == 0)
            return error_set(error, ERROR_CORRUPT, "damaged lz4 data: it ends early");
    }
    return (ssize_t)produced;
}

static void lz4_decoder_close(struct decoder *decoder)
{
    struct lz4_decoder *lz4 = (struct lz4_decoder *)decoder;
    LZ4F_freeDecompressionContext(lz4->context);
    free(lz4);
}

struct decoder *lz4_decoder_open(struct source source, struct error *error)
{
    struct lz4_decoder *lz4 = malloc(sizeof *lz4);
    if (!lz4) {
        error_memory(error);
        return NULL;
    }
    lz4->decoder = (struct decoder){lz4_read, lz4_decoder_close, source};
    lz4->left = 1; /* an empty stream is not a frame */
    lz4->input.source = source;
    lz4->input.used = lz4->input.filled = 0;
    if (LZ4F_isError(LZ4F_createDecompressionContext(&lz4->context, LZ4F_VERSION))) {
        error_memory(error);
        free(lz4);
        return NULL;
    }
    return &lz4->decoder;
}
