/* codec/pieces.h - an encoder that codes large pieces of the content as frames of their own, two at
 * a time. Only for files of this room, for codings whose decoders take several frames in a row.
 *
 * A library that is given a piece at once need not copy it about, and the second thread halves the
 * time of a segment where a second processor is free. A piece is large beside a window, so that
 * starting anew costs next to nothing in size.
 */
#ifndef CODEC_PIECES_H
#define CODEC_PIECES_H

#include "codec/stream.h"

struct pieces_coding {
    /* The most bytes that `size` bytes can become. */
    size_t (*bound)(size_t size);
    /* Codes `size` bytes as one frame into `out`, which has room for bound(size). Returns the
     * frame's length, or 0 with *problem set to a text that need not be freed. Called in several
     * threads at once. */
    size_t (*compress)(int level, const void *data, size_t size, void *out, size_t capacity,
                       const char **problem);
};

struct encoder *pieces_encoder_open(const struct pieces_coding *coding, int level,
                                    uint64_t raw_size, struct sink sink, struct error *error);

#endif
