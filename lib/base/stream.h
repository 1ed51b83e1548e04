/* stream.h - where bytes come from and where they go, so that rooms which must not know each other
 * can be joined: a download feeds a decoder, an encoder feeds an upload. */
#ifndef BASE_STREAM_H
#define BASE_STREAM_H

#include <stddef.h>
#include <sys/types.h>

struct error;

/* read fills at most `size` bytes and returns how many: 0 is the end, fewer than asked for is
 * normal, -1 is an error. */
struct source {
    ssize_t (*read)(void *context, void *data, size_t size, struct error *error);
    void *context;
};

/* write takes all `size` bytes and returns 0, or -1. */
struct sink {
    int (*write)(void *context, const void *data, size_t size, struct error *error);
    void *context;
};

/* Reads until `size` bytes are there or the source ends; returns how many, or -1. */
ssize_t source_fill(struct source source, void *data, size_t size, struct error *error);

#endif
