/* report/graph.h - an archive over time, drawn in the terminal. */
#ifndef REPORT_GRAPH_H
#define REPORT_GRAPH_H

#include <stdio.h>

#include "report/canvas.h"
#include "report/summary.h"

struct error;

enum { GRAPH_WIDTH_MIN = 40, GRAPH_WIDTH_USUAL = 80, GRAPH_WIDTH_MAX = 400 };

/* How wide it may be: as the terminal, or as COLUMNS says, or 80 columns. */
size_t graph_width(FILE *out);

int graph_print(const struct summary *summary, enum canvas_charset charset, size_t width, FILE *out,
                const struct colors *colors, struct error *error);

#endif
