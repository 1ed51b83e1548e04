/* report/canvas.h - a drawing of characters: in Unicode where the terminal can, else in ASCII. */
#ifndef REPORT_CANVAS_H
#define REPORT_CANVAS_H

#include <stddef.h>
#include <stdio.h>

#include "report/color.h"

struct error;

enum canvas_charset { CANVAS_ASCII, CANVAS_UNICODE };

enum canvas_glyph {
    CANVAS_SPACE,
    CANVAS_BAR_1, /* an eighth of the cell from below; the others follow */
    CANVAS_BAR_8 = CANVAS_BAR_1 + 7,
    CANVAS_LINE,  /* something is there, */
    CANVAS_QUIET, /* nothing for a while */
    CANVAS_DOWN,
    CANVAS_BRANCH, /* of a line, downwards */
    CANVAS_CORNER, /* from above, to the right */
    CANVAS_GAP,
    CANVAS_BACKUP,
    CANVAS_AXIS,
    CANVAS_AXIS_TICK,
    CANVAS_AXIS_LEFT,
    CANVAS_AXIS_CORNER,
    CANVAS_GLYPHS,
};

struct canvas_cell;

struct canvas {
    enum canvas_charset charset;
    size_t width, height;
    struct canvas_cell *cells;
};

int canvas_open(struct canvas *canvas, enum canvas_charset charset, size_t width, size_t height,
                struct error *error);
void canvas_close(struct canvas *canvas);

/* What is outside is not drawn. */
void canvas_put(struct canvas *canvas, size_t x, size_t y, enum canvas_glyph glyph,
                enum color_role role);

/* ASCII text, from x to the right. */
void canvas_text(struct canvas *canvas, size_t x, size_t y, const char *text, enum color_role role);

/* Nothing was drawn there. */
int canvas_is_free(const struct canvas *canvas, size_t x, size_t y);

void canvas_print(const struct canvas *canvas, FILE *out, const struct colors *colors);

/* The glyph as text. */
const char *canvas_glyph_text(enum canvas_charset charset, enum canvas_glyph glyph);

#endif
