#include "base/error.h"
#include "codec/stream.h"

#include <stdlib.h>
#include <zstd.h>

struct zstd_encoder {
    struct encoder encoder;
    ZSTD_CCtx *context;
    unsigned char output[CODEC_BUFFER_SIZE];
};

/* Runs the compressor until it wants more input, or with ZSTD_e_end until the frame is complete. */
static int compress(struct zstd_encoder *zstd, ZSTD_inBuffer *input, ZSTD_EndDirective directive,
                    struct error *error)
{
    struct sink sink = zstd->encoder.sink;
    for (;;) {
        ZSTD_outBuffer output = {zstd->output, sizeof zstd->output, 0};
        size_t left = ZSTD_compressStream2(zstd->context, &output, input, directive);
        if (ZSTD_isError(left))
            return error_set(error, ERROR_SYSTEM, "zstd: %s", ZSTD_getErrorName(left));
        if (output.pos && sink.write(sink.context, output.dst, output.pos, error))
            return -1;
        if (directive == ZSTD_e_end ? left == 0 : input->pos == input->size)
            return 0;
    }
}

static int zstd_write(struct encoder *encoder, const void *data, size_t size, struct error *error)
{
    ZSTD_inBuffer input = {data, size, 0};
    return compress((struct zstd_encoder *)encoder, &input, ZSTD_e_continue, error);
}

static int zstd_finish(struct encoder *encoder, struct error *error)
{
    ZSTD_inBuffer input = {NULL, 0, 0};
    return compress((struct zstd_encoder *)encoder, &input, ZSTD_e_end, error);
}

static void zstd_encoder_close(struct encoder *encoder)
{
    struct zstd_encoder *zstd = (struct zstd_encoder *)encoder;
    ZSTD_freeCCtx(zstd->context);
    free(zstd);
}

static int configure(ZSTD_CCtx *context, int level, uint64_t raw_size)
{
    return context &&
           !ZSTD_isError(ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level)) &&
           !ZSTD_isError(ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1)) &&
           (!raw_size || !ZSTD_isError(ZSTD_CCtx_setPledgedSrcSize(context, raw_size)));
}

struct encoder *zstd_encoder_open(int level, uint64_t raw_size, struct sink sink,
                                  struct error *error)
{
    struct zstd_encoder *zstd = malloc(sizeof *zstd);
    if (!zstd) {
        error_memory(error);
        return NULL;
    }
    zstd->encoder = (struct encoder){zstd_write, zstd_finish, zstd_encoder_close, sink};
    zstd->context = ZSTD_createCCtx();
    if (!configure(zstd->context, level, raw_size)) {
        error_set(error, ERROR_SYSTEM, "zstd: can't set up the compressor");
        zstd_encoder_close(&zstd->encoder);
        return NULL;
    }
    return &zstd->encoder;
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
