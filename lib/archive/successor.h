/* archive/successor.h - is there more of a timeline behind a segment? */
#ifndef ARCHIVE_SUCCESSOR_H
#define ARCHIVE_SUCCESSOR_H

#include "archive/archive.h"
#include "archive/object.h"

struct error;

struct successor {
    struct wal_name name;
    struct object_key key;
};

/* Finds the first segment behind `name` on its timeline. Returns 1, 0 when there is none, -1. */
int successor_find(struct archive *archive, const struct wal_name *name,
                   struct successor *successor, struct error *error);

#endif
