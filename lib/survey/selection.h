/* survey/selection.h - which WAL files of an archive are meant: --from, --to, --timeline, --since.
 */
#ifndef SURVEY_SELECTION_H
#define SURVEY_SELECTION_H

#include <stdbool.h>
#include <stdint.h>

#include "archive/scan.h"
#include "wal/geometry.h"

struct error;

/* As a user gives it; NULL for what was not given. */
struct selection_text {
    const char *from, *to; /* a segment's name, whose timeline does not count, or an LSN */
    const char *timeline;  /* a number, or eight hex digits as in names */
    const char *since;     /* moment_parse */
};

enum { SELECTION_POSITION = 16 /* hex digits of a name behind the timeline's */ };

struct selection {
    char from[SELECTION_POSITION + 1], to[SELECTION_POSITION + 1]; /* "" : no bound */
    uint32_t timeline;                                             /* 0: all */
    int64_t since; /* seconds since 1970 UTC; INT64_MIN: always */
    /* for selection_has alone */
    uint32_t begun; /* the timeline in which something was archived since then */
};

/* Reads it; an LSN needs the geometry. ERROR_USAGE. */
int selection_parse(const struct selection_text *text, const struct wal_geometry *geometry,
                    struct selection *selection, struct error *error);

/* Does it mean all of an archive? */
bool selection_is_all(const struct selection *selection);

/* Is this object meant? Called with the objects in the archive's order: `since` begins, in each
 * timeline, at the first object archived since then, and what follows belongs to it however old it
 * is, so that no gap is seen where something was archived late. A history file is meant when its
 * timeline is. */
bool selection_has(struct selection *selection, const struct scan_object *object);

#endif
