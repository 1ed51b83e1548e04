/* report/lookup.h - where an archive has a position of the WAL: for people, and as JSON. */
#ifndef REPORT_LOOKUP_H
#define REPORT_LOOKUP_H

#include <stdio.h>

#include "survey/lookup.h"
#include "report/color.h"

struct error;

int lookup_print(const struct inventory *inventory, const struct lookup *lookup, FILE *out,
                 const struct colors *colors, struct error *error);

/* `location` is the archive's. */
void lookup_json(const char *location, const struct inventory *inventory,
                 const struct lookup *lookup, FILE *out);

#endif
