/* report/cleaning.h - what walclean would remove, what stays and why, for people. */
#ifndef REPORT_CLEANING_H
#define REPORT_CLEANING_H

#include <stdio.h>

#include "retain/cleaning.h"

/* Of a cleaning that had a rule and has been measured. */
void report_cleaning(FILE *out, const struct cleaning_request *request,
                     const struct cleaning *cleaning);

/* "63 segments, 1 backup history file (312 MiB)": at most `size` bytes with the zero byte. Returns
 * `text`. */
const char *report_tally(const struct cleaning_tally *tally, char *text, size_t size);

#endif
