/* report/ranges.h - a timeline's ranges of segments and the gaps between them, as a table. */
#ifndef REPORT_RANGES_H
#define REPORT_RANGES_H

#include "report/summary.h"

int ranges_print(const struct summary *summary, const struct inventory_timeline *timeline,
                 enum summary_extent extent, FILE *out, const struct colors *colors,
                 struct error *error);

#endif
