/* report/standbys.h - the standbys that have recorded themselves in an archive, as a table. */
#ifndef REPORT_STANDBYS_H
#define REPORT_STANDBYS_H

#include "report/json.h"
#include "report/summary.h"

/* Nothing when there are none and no record is damaged. */
int standbys_print(const struct summary *summary, FILE *out, const struct colors *colors,
                   struct error *error);

/* Members of the summary's JSON. */
void standbys_json(const struct summary *summary, struct json *json);

#endif
