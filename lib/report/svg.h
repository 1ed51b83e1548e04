/* report/svg.h - an archive over time as a picture: SVG 1.1, self-contained, light or dark as the
 * viewer prefers, with text that can be read aloud. */
#ifndef REPORT_SVG_H
#define REPORT_SVG_H

#include <stdio.h>

#include "report/summary.h"

struct error;

int svg_print(const struct summary *summary, FILE *out, struct error *error);

#endif
