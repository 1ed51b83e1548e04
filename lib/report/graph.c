#include "report/graph.h"
#include "report/chart.h"
#include "report/human.h"
#include "report/table.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum {
    GUTTER = 14,   /* columns for labels on the left */
    BAR_ROWS = 8,  /* rows of the bars, */
    AXIS_ROW = 8,  /* their axis, */
    LABEL_ROW = 9, /* its labels, */
    LANE_ROW = 11, /* and the first lane */
    EIGHTHS = 8,
};

struct graph {
    const struct chart *chart;
    const struct inventory *inventory;
    struct canvas canvas;
    size_t cell; /* columns a step */
};

size_t graph_width(FILE *out)
{
    struct winsize size;
    const char *columns = getenv("COLUMNS");
    unsigned long width = columns ? strtoul(columns, NULL, 10) : GRAPH_WIDTH_USUAL;
    if (ioctl(fileno(out), TIOCGWINSZ, &size) == 0 && size.ws_col)
        width = size.ws_col;
    if (width == 0)
        width = GRAPH_WIDTH_USUAL;
    return width < GRAPH_WIDTH_MIN   ? GRAPH_WIDTH_MIN
           : width > GRAPH_WIDTH_MAX ? GRAPH_WIDTH_MAX
                                     : width;
}

/* ---- bars ---- */

static size_t column_of(const struct graph *graph, size_t step)
{
    return GUTTER + step * graph->cell;
}

static void draw_bar(struct graph *graph, size_t step)
{
    const struct chart *chart = graph->chart;
    uint64_t height = chart->sums[step] * BAR_ROWS * EIGHTHS / (chart->peak ? chart->peak : 1);
    if (chart->sums[step] && height == 0)
        height = 1;
    /* Wide ones are kept apart. */
    size_t width = graph->cell > 2 ? graph->cell - 1 : graph->cell;
    for (size_t row = 0; row < BAR_ROWS && height > row * EIGHTHS; row++) {
        uint64_t left = height - row * EIGHTHS;
        enum canvas_glyph glyph =
            CANVAS_BAR_1 + (enum canvas_glyph)(left < EIGHTHS ? left : EIGHTHS) - 1;
        for (size_t x = 0; x < width; x++)
            canvas_put(&graph->canvas, column_of(graph, step) + x, BAR_ROWS - 1 - row, glyph,
                       COLOR_ACCENT);
    }
}

static void draw_scale(struct graph *graph, size_t row, uint64_t segments)
{
    char text[HUMAN_SIZE];
    human_size(segments * graph->inventory->geometry.segment_size, text);
    size_t length = strlen(text);
    canvas_text(&graph->canvas, GUTTER - 2 - length, row, text, COLOR_FAINT);
}

static void draw_bars(struct graph *graph)
{
    const struct chart *chart = graph->chart;
    for (size_t row = 0; row < BAR_ROWS; row++)
        canvas_put(&graph->canvas, GUTTER - 1, row, CANVAS_AXIS_LEFT, COLOR_FAINT);
    draw_scale(graph, 0, chart->peak);
    if (chart->peak % 2 == 0)
        draw_scale(graph, BAR_ROWS / 2, chart->peak / 2);
    for (size_t step = 0; step < chart->steps; step++)
        draw_bar(graph, step);
}

static void draw_axis(struct graph *graph)
{
    const struct chart *chart = graph->chart;
    char text[CHART_LABEL_SIZE];
    size_t end = column_of(graph, chart->steps);
    /* Room for a label and a space behind it; periods of a day and more have short ones. */
    int64_t period = chart_period(chart, (sizeof "11-20" + 1) / graph->cell + 1);
    if (period < 24 * 3600)
        period = chart_period(chart, (sizeof "11-20 03:00" + 1) / graph->cell + 1);
    canvas_put(&graph->canvas, GUTTER - 1, AXIS_ROW, CANVAS_AXIS_CORNER, COLOR_FAINT);
    for (size_t x = GUTTER; x < end; x++)
        canvas_put(&graph->canvas, x, AXIS_ROW, CANVAS_AXIS, COLOR_FAINT);
    for (size_t step = 0; step < chart->steps; step++) {
        if (!chart_label(chart, period, step, text))
            continue;
        canvas_put(&graph->canvas, column_of(graph, step), AXIS_ROW, CANVAS_AXIS_TICK, COLOR_FAINT);
        if (column_of(graph, step) + strlen(text) <= graph->canvas.width)
            canvas_text(&graph->canvas, column_of(graph, step), LABEL_ROW, text, COLOR_FAINT);
    }
}

/* ---- lanes ---- */

/* What stands for a step, and, in wide cells, behind it. */
static void draw_step(struct graph *graph, size_t row, size_t step,
                      const struct chart_step *content)
{
    enum canvas_glyph line = content->segments ? CANVAS_LINE : CANVAS_QUIET;
    enum color_role role = content->segments ? COLOR_GOOD : COLOR_FAINT;
    size_t column = column_of(graph, step);
    for (size_t x = 0; x < graph->cell; x++)
        canvas_put(&graph->canvas, column + x, row, line, role);
    if (content->gaps)
        canvas_put(&graph->canvas, column, row, CANVAS_GAP, COLOR_BAD);
    else if (content->backups)
        canvas_put(&graph->canvas, column, row, CANVAS_BACKUP, COLOR_WARNING);
}

/* From the lane's parent down to its beginning. */
static void draw_fork(struct graph *graph, const struct chart_lane *lane, size_t index)
{
    const struct chart_lane *parent = &graph->chart->lanes[lane->parent];
    size_t row = LANE_ROW + lane->parent, column = column_of(graph, lane->first);
    /* The parent may have ended before: it is followed as far. */
    for (size_t x = column_of(graph, parent->last + 1); x < column; x++)
        if (canvas_is_free(&graph->canvas, x, row))
            canvas_put(&graph->canvas, x, row, CANVAS_QUIET, COLOR_FAINT);
    if (parent->steps[lane->first].gaps == 0 && parent->steps[lane->first].backups == 0)
        canvas_put(&graph->canvas, column, row, CANVAS_BRANCH, COLOR_GOOD);
    for (row++; row < LANE_ROW + index; row++)
        if (canvas_is_free(&graph->canvas, column, row))
            canvas_put(&graph->canvas, column, row, CANVAS_DOWN, COLOR_GOOD);
    if (lane->steps[lane->first].gaps == 0 && lane->steps[lane->first].backups == 0)
        canvas_put(&graph->canvas, column, LANE_ROW + index, CANVAS_CORNER, COLOR_GOOD);
}

static void draw_lane(struct graph *graph, size_t index)
{
    char text[32];
    const struct chart_lane *lane = &graph->chart->lanes[index];
    snprintf(text, sizeof text, "timeline %" PRIu32, lane->timeline->timeline);
    size_t length = strlen(text), end = GUTTER - 2;
    canvas_text(&graph->canvas, length < end ? end - length : 0, LANE_ROW + index, text,
                COLOR_PLAIN);
    for (size_t step = lane->first; step <= lane->last; step++)
        draw_step(graph, LANE_ROW + index, step, &lane->steps[step]);
}

static void draw(struct graph *graph)
{
    const struct chart *chart = graph->chart;
    draw_bars(graph);
    draw_axis(graph);
    for (size_t i = 0; i < chart->lane_count; i++)
        draw_lane(graph, i);
    for (size_t i = 0; i < chart->lane_count; i++)
        if (chart->lanes[i].parent != SIZE_MAX)
            draw_fork(graph, &chart->lanes[i], i);
}

/* ---- words around it ---- */

static void put_title(const struct summary *summary, const struct chart *chart, FILE *out,
                      const struct colors *colors)
{
    char period[HUMAN_SIZE];
    int64_t to = chart->from + chart->step * (int64_t)chart->steps;
    fputs(color_begin(colors, COLOR_TITLE), out);
    table_put_text(out, summary->archive->location);
    fprintf(out, "%s\nWAL per %s, %s UTC\n\n", color_end(colors, COLOR_TITLE),
            chart_step_text(chart), human_period(chart->from, to, period));
}

static void put_legend(const struct chart *chart, enum canvas_charset charset, FILE *out,
                       const struct colors *colors)
{
    static const struct {
        enum canvas_glyph glyph;
        enum color_role role;
        const char *text;
    } entries[] = {
        {CANVAS_LINE, COLOR_GOOD, "archived"},
        {CANVAS_QUIET, COLOR_FAINT, "nothing archived"},
        {CANVAS_BACKUP, COLOR_WARNING, "base backup"},
        {CANVAS_GAP, COLOR_BAD, "gap"},
    };
    fprintf(out, "\n%*s", GUTTER, "");
    for (size_t i = 0; i < sizeof entries / sizeof *entries; i++)
        fprintf(out, "%s%s%s%s %s", i ? "   " : "", color_begin(colors, entries[i].role),
                canvas_glyph_text(charset, entries[i].glyph), color_end(colors, entries[i].role),
                entries[i].text);
    fputc('\n', out);
    if (chart->omitted)
        fprintf(out, "%*sand %zu earlier timelines\n", GUTTER, "", chart->omitted);
}

static int print_chart(const struct summary *summary, const struct chart *chart,
                       enum canvas_charset charset, size_t width, FILE *out,
                       const struct colors *colors, struct error *error)
{
    struct graph graph = {.chart = chart, .inventory = summary->inventory};
    graph.cell = (width - GUTTER) / chart->steps;
    if (canvas_open(&graph.canvas, charset, width, LANE_ROW + chart->lane_count, error))
        return -1;
    draw(&graph);
    put_title(summary, chart, out, colors);
    canvas_print(&graph.canvas, out, colors);
    put_legend(chart, charset, out, colors);
    canvas_close(&graph.canvas);
    return 0;
}

int graph_print(const struct summary *summary, enum canvas_charset charset, size_t width, FILE *out,
                const struct colors *colors, struct error *error)
{
    struct chart chart;
    int result =
        chart_make(summary->inventory, summary->gaps, width - GUTTER, summary->now, &chart, error);
    if (result == 0 && chart.steps)
        result = print_chart(summary, &chart, charset, width, out, colors, error);
    else if (result == 0)
        fputs("There is nothing to draw: no segment whose time is known.\n", out);
    chart_free(&chart);
    return result;
}
