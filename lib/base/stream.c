#include "base/stream.h"

ssize_t source_fill(struct source source, void *data, size_t size, struct error *error)
{
    size_t got = 0;
    while (got < size) {
        ssize_t n = source.read(source.context, (char *)data + got, size - got, error);
        if (n < 0)
            return -1;
        if (n == 0)
            break;
        got += (size_t)n;
    }
    return (ssize_t)got;
}
