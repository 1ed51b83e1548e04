/* report/summary.h - what an archive holds, at a glance: for people, and as JSON (its schema is
 * man/wallist.schema.json). */
#ifndef REPORT_SUMMARY_H
#define REPORT_SUMMARY_H

#include <stdint.h>
#include <stdio.h>

#include "archive/archive.h"
#include "survey/gaps.h"
#include "survey/inventory.h"
#include "survey/recovery.h"
#include "retain/standby.h"
#include "report/color.h"

struct error;

/* The version of the schemas, in every document. New members may be added within a version; none
 * goes, and none changes its meaning. */
enum { SUMMARY_SCHEMA_VERSION = 1 };

/* Borrowed, all of it. */
struct summary {
    const struct archive *archive;
    const struct inventory *inventory; /* with details */
    const struct gaps *gaps;
    const struct recoveries *recoveries;    /* NULL when the inventory is only a part: then nothing
                                             * is said of what can be recovered */
    const struct selection_text *selection; /* what it is a part by */
    const struct standbys *standbys;        /* that have recorded themselves; NULL: not asked */
    const char *standby_problem;            /* why not all of them can be told; NULL: none */
    int64_t standby_timeout;                /* seconds after which one is silent */
    int64_t now;                            /* seconds since 1970 UTC */
};

enum summary_extent {
    SUMMARY_SHORT, /* of very many ranges or backups the first and the last */
    SUMMARY_FULL,
};

int summary_print(const struct summary *summary, enum summary_extent extent, FILE *out,
                  const struct colors *colors, struct error *error);

/* All of it, always. Written as it comes. */
void summary_json(const struct summary *summary, FILE *out);

/* What the gap is, in a word: "within", "at-fork", "history". */
const char *summary_gap_kind(enum gap_kind kind);

#endif
