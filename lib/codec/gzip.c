/* The encoder writes raw deflate and the trailer of RFC 1952: the member's header carries the label
 * and is written with it (codec/label.c). */
#include "base/error.h"
#include "codec/stream.h"

#include <stdlib.h>
#include <zlib.h>

enum { RAW_DEFLATE = -15, GZIP_MEMBER = 15 + 16, MEMORY_LEVEL = 8 };

struct gzip_encoder {
    struct encoder encoder;
    z_stream stream;
    uint32_t crc;  /* of the raw content */
    uint32_t size; /* of the raw content, modulo 2^32 */
    unsigned char output[CODEC_BUFFER_SIZE];
};

static int compress_all(struct gzip_encoder *gzip, int flush, struct error *error)
{
    struct sink sink = gzip->encoder.sink;
    do {
        gzip->stream.next_out = gzip->output;
        gzip->stream.avail_out = sizeof gzip->output;
        deflate(&gzip->stream, flush); /* can't fail with a valid stream and room for output */
        size_t size = sizeof gzip->output - gzip->stream.avail_out;
        if (size && sink.write(sink.context, gzip->output, size, error))
            return -1;
    } while (gzip->stream.avail_out == 0);
    return 0;
}

static int gzip_write(struct encoder *encoder, const void *data, size_t size, struct error *error)
{
    struct gzip_encoder *gzip = (struct gzip_encoder *)encoder;
    for (const Bytef *at = data; size > 0;) {
        uInt piece = size < CODEC_BUFFER_SIZE ? (uInt)size : CODEC_BUFFER_SIZE;
        gzip->crc = (uint32_t)crc32(gzip->crc, at, piece);
        gzip->size += piece;
        gzip->stream.next_in = (Bytef *)at;
        gzip->stream.avail_in = piece;
        if (compress_all(gzip, Z_NO_FLUSH, error))
            return -1;
        at += piece;
        size -= piece;
    }
    return 0;
}

static void put_u32(unsigned char *to, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        to[i] = (unsigned char)(value >> (8 * i));
}

static int gzip_finish(struct encoder *encoder, struct error *error)
{
    struct gzip_encoder *gzip = (struct gzip_encoder *)encoder;
    if (compress_all(gzip, Z_FINISH, error))
        return -1;
    unsigned char trailer[8];
    put_u32(trailer, gzip->crc);
    put_u32(trailer + 4, gzip->size);
    return encoder->sink.write(encoder->sink.context, trailer, sizeof trailer, error);
}

static void gzip_encoder_close(struct encoder *encoder)
{
    struct gzip_encoder *gzip = (struct gzip_encoder *)encoder;
    deflateEnd(&gzip->stream);
    free(gzip);
}

struct encoder *gzip_encoder_open(int level, uint64_t raw_size, struct sink sink,
                                  struct error *error)
{
    (void)raw_size;
    struct gzip_encoder *gzip = calloc(1, sizeof *gzip);
    if (!gzip || deflateInit2(&gzip->stream, level, Z_DEFLATED, RAW_DEFLATE, MEMORY_LEVEL,
                              Z_DEFAULT_STRATEGY) != Z_OK) {
        error_memory(error);
        free(gzip);
        return NULL;
    }
    gzip->encoder = (struct encoder){gzip_write, gzip_finish, gzip_encoder_close, sink};
    return &gzip->encoder;
}

struct gzip_decoder {
    struct decoder decoder;
    z_stream stream;
    int member_ended; /* at the end of a member: another may follow */
    struct codec_input input;
};

/* Inflates what input there is; a further member may follow one that has ended. */
static int inflate_some(struct gzip_decoder *gzip, struct error *error)
{
    struct codec_input *input = &gzip->input;
    if (gzip->member_ended) {
        inflateReset(&gzip->stream);
        gzip->member_ended = 0;
    }
    gzip->stream.next_in = input->data + input->used;
    gzip->stream.avail_in = (uInt)(input->filled - input->used);
    int result = inflate(&gzip->stream, Z_NO_FLUSH);
    input->used = input->filled - gzip->stream.avail_in;
    if (result == Z_STREAM_END)
        gzip->member_ended = 1;
    else if (result != Z_OK && result != Z_BUF_ERROR)
        return error_set(error, ERROR_CORRUPT, "damaged gzip data: %s",
                         gzip->stream.msg ? gzip->stream.msg : "not deflate");
    return 0;
}

static ssize_t gzip_read(struct decoder *decoder, void *data, size_t size, struct error *error)
{
    struct gzip_decoder *gzip = (struct gzip_decoder *)decoder;
    uInt room = size < CODEC_BUFFER_SIZE ? (uInt)size : CODEC_BUFFER_SIZE;
    gzip->stream.next_out = data;
    gzip->stream.avail_out = room;
    while (gzip->stream.avail_out == room) {
        int more = codec_input_fill(&gzip->input, error);
        if (more < 0)
            return -1;
        if (!more && gzip->member_ended)
            return 0;
        if (inflate_some(gzip, error))
            return -1;
        if (!more && gzip->stream.avail_out == room && !gzip->member_ended)
            return error_set(error, ERROR_CORRUPT, "damaged gzip data: it ends early");
    }
    return (ssize_t)(room - gzip->stream.avail_out);
}

static void gzip_decoder_close(struct decoder *decoder)
{
    struct gzip_decoder *gzip = (struct gzip_decoder *)decoder;
    inflateEnd(&gzip->stream);
    free(gzip);
}

struct decoder *gzip_decoder_open(struct source source, struct error *error)
{
    struct gzip_decoder *gzip = calloc(1, sizeof *gzip);
    if (!gzip || inflateInit2(&gzip->stream, GZIP_MEMBER) != Z_OK) {
        error_memory(error);
        free(gzip);
        return NULL;
    }
    gzip->decoder = (struct decoder){gzip_read, gzip_decoder_close, source};
    gzip->input.source = source;
    return &gzip->decoder;
}
