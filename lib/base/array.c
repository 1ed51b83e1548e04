#include "base/array.h"
#include "base/error.h"

#include <stdint.h>
#include <stdlib.h>

enum { FIRST_ROOM = 16 };

void *array_reserve(void *items, size_t count, size_t *room, size_t size, struct error *error)
{
    if (count < *room)
        return items;
    size_t wanted = *room ? 2 * *room : FIRST_ROOM;
    void *more = wanted > SIZE_MAX / 2 / size ? NULL : realloc(items, wanted * size);
    if (!more) {
        error_memory(error);
        return NULL;
    }
    *room = wanted;
    return more;
}
