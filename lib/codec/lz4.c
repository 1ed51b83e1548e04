#include "base/error.h"
#include "codec/pieces.h"

#include <lz4frame.h>
#include <stdlib.h>

/* The library's level 0 is its fast mode, which the lz4 program calls -1. */
static LZ4F_preferences_t preferences(int level, size_t size)
{
    return (LZ4F_preferences_t){
        .frameInfo = {.blockSizeID = LZ4F_max4MB,
                      .blockMode = LZ4F_blockLinked,
                      .contentChecksumFlag = LZ4F_contentChecksumEnabled,
                      .contentSize = size},
        .compressionLevel = level == 1 ? 0 : level,
    };
}

static size_t bound(size_t size)
{
    LZ4F_preferences_t preferred = preferences(1, size);
    return LZ4F_compressFrameBound(size, &preferred);
}

static size_t compress(int level, const void *data, size_t size, void *out, size_t capacity,
                       const char **problem)
{
    LZ4F_preferences_t preferred = preferences(level, size);
    size_t length = LZ4F_compressFrame(out, capacity, data, size, &preferred);
    if (!LZ4F_isError(length))
        return length;
    *problem = LZ4F_getErrorName(length);
    return 0;
}

struct encoder *lz4_encoder_open(int level, uint64_t raw_size, struct sink sink,
                                 struct error *error)
{
    static const struct pieces_coding coding = {bound, compress};
    return pieces_encoder_open(&coding, level, raw_size, sink, error);
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
