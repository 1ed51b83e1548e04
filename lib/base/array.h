/* array.h - arrays that grow. */
#ifndef BASE_ARRAY_H
#define BASE_ARRAY_H

#include <stddef.h>

struct error;

/* Room for one more item behind `count` items of `size` bytes. Returns the items, which may have
 * moved, with *room adjusted; NULL with ERROR_SYSTEM without memory: then they are as they were. */
void *array_reserve(void *items, size_t count, size_t *room, size_t size, struct error *error);

#endif
