/* verify/known.h - gaps that an operator has looked at and acknowledged, with the reason.
 * walformat(5) specifies the file. */
#ifndef VERIFY_KNOWN_H
#define VERIFY_KNOWN_H

#include <stdbool.h>
#include <stddef.h>

#include "wal/name.h"

struct error;

struct known_gap {
    struct wal_name first, last; /* segments of one timeline; or both the same history file */
    char *why;                   /* "" when the line has no comment */
    size_t line;                 /* its number in the file */
    bool fits;                   /* known_find has found it */
};

struct known_gaps {
    struct known_gap *list;
    size_t count, room;
};

/* Reads the file. ERROR_USAGE names the line that is wrong, or says that the file is not there. The
 * caller frees them, also after a failure. */
int known_read(const char *path, struct known_gaps *known, struct error *error);
void known_free(struct known_gaps *known);

/* The entry that covers all of what is missing: the segments from `first` to `last`, of one
 * timeline, or a history file, which is both. NULL when none does. */
const struct known_gap *known_find(const struct known_gaps *known, const struct wal_name *first,
                                   const struct wal_name *last);

#endif
