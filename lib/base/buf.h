/* buf.h - a growing run of bytes, always followed by a zero byte so that text needs no copy. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stddef.h>

struct error;

/* Zero-initialise ({0}); data is NULL until the first append. buf_free makes it empty again. */
struct buf {
    char *data;
    size_t length;
    size_t capacity;
};

/* Each returns 0, or -1 with ERROR_SYSTEM when memory runs out; the content is then unchanged. */
int buf_reserve(struct buf *buf, size_t more, struct error *error);
int buf_append(struct buf *buf, const void *data, size_t length, struct error *error);
int buf_printf(struct buf *buf, struct error *error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

void buf_free(struct buf *buf);

#endif
