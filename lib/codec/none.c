#include "base/error.h"
#include "codec/stream.h"

#include <stdlib.h>

static int none_write(struct encoder *encoder, const void *data, size_t size, struct error *error)
{
    return encoder->sink.write(encoder->sink.context, data, size, error);
}

static int none_finish(struct encoder *encoder, struct error *error)
{
    (void)encoder, (void)error;
    return 0;
}

static void none_encoder_close(struct encoder *encoder)
{
    free(encoder);
}

struct encoder *none_encoder_open(int level, uint64_t raw_size, struct sink sink,
                                  struct error *error)
{
    (void)level, (void)raw_size;
    struct encoder *encoder = malloc(sizeof *encoder);
    if (!encoder) {
        error_memory(error);
        return NULL;
    }
    *encoder = (struct encoder){none_write, none_finish, none_encoder_close, sink};
    return encoder;
}

static ssize_t none_read(struct decoder *decoder, void *data, size_t size, struct error *error)
{
    return decoder->source.read(decoder->source.context, data, size, error);
}

static void none_decoder_close(struct decoder *decoder)
{
    free(decoder);
}

struct decoder *none_decoder_open(struct source source, struct error *error)
{
    struct decoder *decoder = malloc(sizeof *decoder);
    if (!decoder) {
        error_memory(error);
        return NULL;
    }
    *decoder = (struct decoder){none_read, none_decoder_close, source};
    return decoder;
}
