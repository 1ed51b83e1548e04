#include "base/buf.h"
#include "base/error.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int buf_reserve(struct buf *buf, size_t more, struct error *error)
{
    if (more >= SIZE_MAX - buf->length)
        return error_memory(error);
    size_t needed = buf->length + more + 1;
    if (needed <= buf->capacity)
        return 0;
    size_t capacity = buf->capacity < SIZE_MAX / 2 ? buf->capacity * 2 : SIZE_MAX;
    if (capacity < needed)
        capacity = needed;
    if (capacity < 64)
        capacity = 64;
    char *data = realloc(buf->data, capacity);
    if (!data)
        return error_memory(error);
    buf->data = data;
    buf->capacity = capacity;
    buf->data[buf->length] = '\0';
    return 0;
}

int buf_append(struct buf *buf, const void *data, size_t length, struct error *error)
{
    if (buf_reserve(buf, length, error))
        return -1;
    if (length)
        memcpy(buf->data + buf->length, data, length);
    buf->length += length;
    buf->data[buf->length] = '\0';
    return 0;
}

int buf_printf(struct buf *buf, struct error *error, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (length < 0 || buf_reserve(buf, (size_t)length, error))
        return length < 0 ? error_memory(error) : -1;
    va_start(args, format);
    vsnprintf(buf->data + buf->length, (size_t)length + 1, format, args);
    va_end(args);
    buf->length += (size_t)length;
    return 0;
}

void buf_free(struct buf *buf)
{
    free(buf->data);
    *buf = (struct buf){0};
}
