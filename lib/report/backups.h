/* report/backups.h - the base backups that an archive knows of, as a table. */
#ifndef REPORT_BACKUPS_H
#define REPORT_BACKUPS_H

#include "report/summary.h"

/* Nothing when there are none. */
int backups_print(const struct summary *summary, enum summary_extent extent, FILE *out,
                  const struct colors *colors, struct error *error);

#endif
