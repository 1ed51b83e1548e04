/* report/chart.h - an archive over time, as numbers that can be drawn: how much WAL in each step of
 * time, and for each timeline when it was written, where gaps are and when base backups were. */
#ifndef REPORT_CHART_H
#define REPORT_CHART_H

#include <stddef.h>
#include <stdint.h>

#include "survey/gaps.h"
#include "survey/inventory.h"

struct error;

enum { CHART_LANES_MAX = 24 }; /* of more timelines the last ones */

/* What was archived on one timeline in one step. */
struct chart_step {
    uint64_t segments; /* and partials */
    unsigned gaps;     /* that end here */
    unsigned backups;
};

struct chart_lane {
    const struct inventory_timeline *timeline;
    struct chart_step *steps;
    size_t first, last; /* steps in which something is */
    size_t parent;      /* the lane that it hangs from; SIZE_MAX: none */
};

struct chart {
    int64_t from;             /* seconds since 1970 UTC, a multiple of: */
    int64_t step;             /* seconds, an hour at least */
    size_t steps;             /* 0: there is nothing to draw */
    uint64_t *sums;           /* segments in each step, of all lanes and of timelines without one */
    uint64_t peak;            /* the largest of them */
    struct chart_lane *lanes; /* by timeline */
    size_t lane_count, omitted;
};

/* Makes one of at most `room` steps, from the first object to the last, or to `now` where that is
 * not far. The inventory must have details. The caller frees it, also after a failure. */
int chart_make(const struct inventory *inventory, const struct gaps *gaps, size_t room, int64_t now,
               struct chart *chart, struct error *error);
void chart_free(struct chart *chart);

/* "hour", "3 hours", "day", "week": what a step is. */
const char *chart_step_text(const struct chart *chart);

/* A period of time for the labels of an axis, so that `least` steps at least are between two; and
 * whether a label belongs at a step. Its text is at most CHART_LABEL_MAX long. */
enum { CHART_LABEL_MAX = 16, CHART_LABEL_SIZE = CHART_LABEL_MAX + 1 };
int64_t chart_period(const struct chart *chart, size_t least);
int chart_label(const struct chart *chart, int64_t period, size_t step,
                char text[CHART_LABEL_SIZE]);

#endif
