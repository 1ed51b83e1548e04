#include "base/error.h"
#include "codec/pieces.h"

#include <stdlib.h>
#include <zstd.h>

static size_t compress(int level, const void *data, size_t size, void *out, size_t capacity,
                       const char **problem)
{
    size_t length = 0;
    ZSTD_CCtx *context = ZSTD_createCCtx();
    *problem = "out of memory";
    if (context) {
        ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level);
        ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
        length = ZSTD_compress2(context, out, capacity, data, size);
    }
    if (ZSTD_isError(length)) {
        *problem = ZSTD_getErrorName(length);
        length = 0;
    }
    ZSTD_freeCCtx(context);
    return length;
}

struct encoder *zstd_encoder_open(int level, uint64_t raw_size, struct sink sink,
                                  struct error *error)
{
    static const struct pieces_coding coding = {ZSTD_compressBound, compress};
    return pieces_encoder_open(&coding, level, raw_size, sink, error);
}

struct zstd_decoder {
    struct decoder decoder;
    ZSTD_DCtx *context;
    size_t left; /* what the last call said: 0 at the end of a frame */
    struct codec_input input;
};

static int decompress(struct zstd_decoder *zstd, ZSTD_outBuffer *output, struct error *error)
{
    struct codec_input *input = &zstd->input;
    ZSTD_inBuffer in = {input->data, input->filled, input->used};
    zstd->left = ZSTD_decompressStream(zstd->context, output, &in);
    input->used = in.pos;
    if (ZSTD_isError(zstd->left))
        return error_set(error, ERROR_CORRUPT, "damaged zstd data: %s",
                         ZSTD_getErrorName(zstd->left));
    return 0;
}

static ssize_t zstd_read(struct decoder *decoder, void *data, size_t size, struct error *error)
{
    struct zstd_decoder *zstd = (struct zstd_decoder *)decoder;
    ZSTD_outBuffer output = {data, size, 0};
    while (output.pos == 0) {
        int more = codec_input_fill(&zstd->input, error);
        if (more < 0)
            return -1;
        if (!more && zstd->left == 0)
            return 0;
        if (decompress(zstd, &output, error))
            return -1;
        if (!more && output.pos == 0)
            return error_set(error, ERROR_CORRUPT, "damaged zstd data: it ends early");
    }
    return (ssize_t)output.pos;
}

static void zstd_decoder_close(struct decoder *decoder)
{
    struct zstd_decoder *zstd = (struct zstd_decoder *)decoder;
    ZSTD_freeDCtx(zstd->context);
    free(zstd);
}

struct decoder *zstd_decoder_open(struct source source, struct error *error)
{
    struct zstd_decoder *zstd = malloc(sizeof *zstd);
    if (!zstd) {
        error_memory(error);
        return NULL;
    }
    zstd->decoder = (struct decoder){zstd_read, zstd_decoder_close, source};
    zstd->context = ZSTD_createDCtx();
    zstd->left = 1; /* an empty stream is not a frame */
    zstd->input.source = source;
    zstd->input.used = zstd->input.filled = 0;
    if (!zstd->context) {
        error_memory(error);
        zstd_decoder_close(&zstd->decoder);
        return NULL;
    }
    return &zstd->decoder;
}
