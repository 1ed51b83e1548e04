#include "report/canvas.h"
#include "base/error.h"

#include <stdlib.h>

struct canvas_cell {
    enum canvas_glyph glyph;
    enum color_role role;
    char text; /* an ASCII character instead, when it is not 0 */
};

static const char *const glyphs[CANVAS_GLYPHS][2] = {
    [CANVAS_SPACE] = {" ", " "},          [CANVAS_BAR_1] = {".", "\u2581"},
    [CANVAS_BAR_1 + 1] = {".", "\u2582"}, [CANVAS_BAR_1 + 2] = {".", "\u2583"},
    [CANVAS_BAR_1 + 3] = {":", "\u2584"}, [CANVAS_BAR_1 + 4] = {":", "\u2585"},
    [CANVAS_BAR_1 + 5] = {":", "\u2586"}, [CANVAS_BAR_1 + 6] = {"#", "\u2587"},
    [CANVAS_BAR_8] = {"#", "\u2588"},     [CANVAS_LINE] = {"=", "\u2501"},
    [CANVAS_QUIET] = {"-", "\u2504"},     [CANVAS_DOWN] = {"|", "\u2502"},
    [CANVAS_BRANCH] = {"+", "\u252f"},    [CANVAS_CORNER] = {"`", "\u2515"},
    [CANVAS_GAP] = {"X", "\u2717"},       [CANVAS_BACKUP] = {"B", "\u25c6"},
    [CANVAS_AXIS] = {"-", "\u2500"},      [CANVAS_AXIS_TICK] = {"+", "\u252c"},
    [CANVAS_AXIS_LEFT] = {"|", "\u2502"}, [CANVAS_AXIS_CORNER] = {"+", "\u2514"},
};

const char *canvas_glyph_text(enum canvas_charset charset, enum canvas_glyph glyph)
{
    return glyphs[glyph][charset];
}

int canvas_open(struct canvas *canvas, enum canvas_charset charset, size_t width, size_t height,
                struct error *error)
{
    *canvas = (struct canvas){charset, width, height, NULL};
    canvas->cells = calloc(width * height + 1, sizeof *canvas->cells);
    return canvas->cells ? 0 : error_memory(error);
}

void canvas_close(struct canvas *canvas)
{
    free(canvas->cells);
    canvas->cells = NULL;
}

static struct canvas_cell *cell_at(const struct canvas *canvas, size_t x, size_t y)
{
    return x < canvas->width && y < canvas->height ? &canvas->cells[y * canvas->width + x] : NULL;
}

void canvas_put(struct canvas *canvas, size_t x, size_t y, enum canvas_glyph glyph,
                enum color_role role)
{
    struct canvas_cell *cell = cell_at(canvas, x, y);
    if (cell)
        *cell = (struct canvas_cell){glyph, role, 0};
}

void canvas_text(struct canvas *canvas, size_t x, size_t y, const char *text, enum color_role role)
{
    for (; *text; text++, x++) {
        struct canvas_cell *cell = cell_at(canvas, x, y);
        if (cell)
            *cell = (struct canvas_cell){CANVAS_SPACE, role, *text};
    }
}

int canvas_is_free(const struct canvas *canvas, size_t x, size_t y)
{
    const struct canvas_cell *cell = cell_at(canvas, x, y);
    return cell && cell->glyph == CANVAS_SPACE && !cell->text;
}

static size_t used(const struct canvas *canvas, size_t y)
{
    size_t width = canvas->width;
    while (width > 0 && canvas_is_free(canvas, width - 1, y))
        width--;
    return width;
}

static void print_row(const struct canvas *canvas, size_t y, FILE *out, const struct colors *colors)
{
    enum color_role role = COLOR_PLAIN;
    size_t width = used(canvas, y);
    for (size_t x = 0; x < width; x++) {
        const struct canvas_cell *cell = cell_at(canvas, x, y);
        if (cell->role != role && !canvas_is_free(canvas, x, y)) {
            fputs(color_end(colors, role), out);
            role = cell->role;
            fputs(color_begin(colors, role), out);
        }
        if (cell->text)
            fputc(cell->text, out);
        else
            fputs(glyphs[cell->glyph][canvas->charset], out);
    }
    fprintf(out, "%s\n", color_end(colors, role));
}

void canvas_print(const struct canvas *canvas, FILE *out, const struct colors *colors)
{
    for (size_t y = 0; y < canvas->height; y++)
        print_row(canvas, y, out, colors);
}
