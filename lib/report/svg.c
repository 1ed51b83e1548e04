#include "report/svg.h"
#include "report/chart.h"
#include "report/human.h"
#include "report/totals.h"
#include "report/utf8.h"

#include <inttypes.h>
#include <string.h>

/* All in pixels. */
enum {
    WIDTH = 960,
    LEFT = 170, /* of the plot */
    RIGHT = 24,
    PLOT = WIDTH - LEFT - RIGHT,
    STEP_MIN = 3,
    TOP = 84,
    BARS = 150, /* height of the bars */
    LANES = TOP + BARS + 62,
    LANE = 36, /* from one lane to the next */
    BELOW = 46,
    LABEL = 54,    /* width of a label of the time axis, */
    CHARACTER = 7, /* and at most of a character of it */
    MARK_MIN = 3,  /* half of a mark's width */
    MARK_MAX = 7,
};

static const char style[] =
    "  <style>\n"
    "    text { font: 12px system-ui, \"DejaVu Sans\", sans-serif; fill: #1f2937 }\n"
    "    .page { fill: #ffffff } .title { font-size: 17px; font-weight: 600 }\n"
    "    .faint { fill: #6b7280 } .lost { fill: #dc2626 } .small { font-size: 11px } .end { "
    "text-anchor: end }\n"
    "    .grid { stroke: #e5e7eb; fill: none } .bar { fill: #2563eb } .wal { fill: #16a34a }\n"
    "    .quiet { stroke: #9ca3af; stroke-dasharray: 2 4; fill: none }\n"
    "    .fork { stroke: #16a34a; stroke-width: 2; fill: none }\n"
    "    .backup { fill: #d97706; stroke: #ffffff } .gap { stroke: #dc2626; stroke-width: 3 }\n"
    "    @media (prefers-color-scheme: dark) {\n"
    "      text { fill: #e5e7eb } .page { fill: #111827 } .faint { fill: #9ca3af }\n"
    "      .lost { fill: #f87171 }\n"
    "      .grid { stroke: #374151 } .bar { fill: #60a5fa } .wal { fill: #4ade80 }\n"
    "      .quiet { stroke: #6b7280 } .fork { stroke: #4ade80 }\n"
    "      .backup { fill: #fbbf24; stroke: #111827 } .gap { stroke: #f87171 }\n"
    "    }\n"
    "  </style>\n";

struct drawing {
    const struct summary *summary;
    const struct chart *chart;
    FILE *out;
};

/* Text from anywhere: what XML does not take is U+FFFD. */
static void put_text(FILE *out, const char *text)
{
    while (*text) {
        struct utf8_character character = utf8_next(&text);
        const char *entity = character.code == '&'   ? "&amp;"
                             : character.code == '<' ? "&lt;"
                             : character.code == '>' ? "&gt;"
                             : character.code < 0x20 ? "\xef\xbf\xbd"
                             : character.code == 0xfffe || character.code == 0xffff
                                 ? "\xef\xbf\xbd"
                                 : character.text;
        fputs(entity, out);
    }
}

/* ---- where things are ---- */

static double x_of(const struct drawing *drawing, size_t step)
{
    return LEFT + (double)PLOT * (double)step / (double)drawing->chart->steps;
}

static double step_width(const struct drawing *drawing)
{
    return (double)PLOT / (double)drawing->chart->steps;
}

static int y_of(size_t lane)
{
    return LANES + (int)lane * LANE;
}

static const char *step_period(const struct drawing *drawing, size_t step, char text[HUMAN_SIZE])
{
    int64_t begin = drawing->chart->from + (int64_t)step * drawing->chart->step;
    return human_period(begin, begin + drawing->chart->step, text);
}

/* ---- words ---- */

static void put_count(FILE *out, const char *before, uint64_t count, const char *noun)
{
    char text[HUMAN_SIZE];
    fprintf(out, "%s%s %s%s", before, human_count(count, text), noun, count == 1 ? "" : "s");
}

static void put_totals(const struct drawing *drawing)
{
    struct totals totals;
    char wal[HUMAN_SIZE], stored[HUMAN_SIZE];
    const struct inventory *inventory = drawing->summary->inventory;
    totals_of(inventory, &totals);
    put_count(drawing->out, "", totals.segments, "segment");
    put_count(drawing->out, " on ", inventory->timeline_count, "timeline");
    fprintf(drawing->out, ", %s of WAL, %s stored", human_size(totals.raw, wal),
            human_size(totals.stored, stored));
    put_count(drawing->out, ", ", inventory->backup_count, "base backup");
    put_count(drawing->out, ", ", totals_missing(drawing->summary->gaps), "segment");
    fputs(" missing", drawing->out);
}

static void put_head(const struct drawing *drawing, int height)
{
    char period[HUMAN_SIZE] = "";
    const struct chart *chart = drawing->chart;
    FILE *out = drawing->out;
    if (chart->steps)
        human_period(chart->from, chart->from + (int64_t)chart->steps * chart->step, period);
    fprintf(out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" "
            "height=\"%d\" role=\"img\" aria-labelledby=\"title desc\">\n  <title id=\"title\">"
            "WAL archive ",
            WIDTH, height, WIDTH, height);
    put_text(out, drawing->summary->archive->location);
    fputs("</title>\n  <desc id=\"desc\">", out);
    put_totals(drawing);
    fprintf(out, "; %s UTC.</desc>\n%s", *period ? period : "no times", style);
    fprintf(out, "  <rect class=\"page\" width=\"%d\" height=\"%d\"/>\n", WIDTH, height);
    fputs("  <text class=\"title\" x=\"24\" y=\"32\">WAL archive ", out);
    put_text(out, drawing->summary->archive->location);
    fputs("</text>\n  <text class=\"faint\" x=\"24\" y=\"52\">", out);
    put_totals(drawing);
    fputs("</text>\n", out);
}

/* ---- bars ---- */

static void put_scale(const struct drawing *drawing, uint64_t segments)
{
    char text[HUMAN_SIZE];
    const struct chart *chart = drawing->chart;
    double y = TOP + BARS - (double)BARS * (double)segments / (double)chart->peak;
    human_size(segments * drawing->summary->inventory->geometry.segment_size, text);
    fprintf(drawing->out, "  <path class=\"grid\" d=\"M%d %.1fH%d\"/>\n", LEFT, y, WIDTH - RIGHT);
    fprintf(drawing->out, "  <text class=\"faint small end\" x=\"%d\" y=\"%.1f\">%s</text>\n",
            LEFT - 8, y + 4, text);
}

static void put_bars(const struct drawing *drawing)
{
    char period[HUMAN_SIZE], size[HUMAN_SIZE];
    const struct chart *chart = drawing->chart;
    double width = step_width(drawing), space = width > 4 ? 1 : 0;
    fprintf(drawing->out, "  <text class=\"faint small end\" x=\"%d\" y=\"%d\">per %s</text>\n",
            LEFT - 8, TOP + 22, chart_step_text(chart));
    put_scale(drawing, chart->peak);
    if (chart->peak % 2 == 0)
        put_scale(drawing, chart->peak / 2);
    for (size_t i = 0; i < chart->steps; i++) {
        double height = (double)BARS * (double)chart->sums[i] / (double)chart->peak;
        if (chart->sums[i] == 0)
            continue;
        uint64_t bytes = chart->sums[i] * drawing->summary->inventory->geometry.segment_size;
        fprintf(drawing->out,
                "  <rect class=\"bar\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\">"
                "<title>%s: %s</title></rect>\n",
                x_of(drawing, i), TOP + BARS - height, width - space, height,
                step_period(drawing, i, period), human_size(bytes, size));
    }
}

static void put_axis(const struct drawing *drawing)
{
    char text[CHART_LABEL_SIZE];
    const struct chart *chart = drawing->chart;
    int64_t period = chart_period(chart, (size_t)(LABEL / step_width(drawing)) + 1);
    if (period < 24 * 3600)
        period = chart_period(chart, (size_t)(2 * LABEL / step_width(drawing)) + 1);
    fprintf(drawing->out, "  <path class=\"grid\" d=\"M%d %dH%d\"/>\n", LEFT, TOP + BARS,
            WIDTH - RIGHT);
    for (size_t i = 0; i < chart->steps; i++) {
        if (!chart_label(chart, period, i, text))
            continue;
        double x = x_of(drawing, i);
        fprintf(drawing->out, "  <path class=\"grid\" d=\"M%.1f %dV%d\"/>\n", x, TOP + BARS,
                y_of(chart->lane_count) - LANE / 2);
        if (x + 3 + (double)(strlen(text) * CHARACTER) <= WIDTH)
            fprintf(drawing->out, "  <text class=\"faint small\" x=\"%.1f\" y=\"%d\">%s</text>\n",
                    x + 3, TOP + BARS + 16, text);
    }
}

/* ---- lanes ---- */

static void put_lane_label(const struct drawing *drawing, size_t index)
{
    char lsn[HUMAN_SIZE];
    const struct inventory_timeline *timeline = drawing->chart->lanes[index].timeline;
    fprintf(drawing->out, "  <text class=\"end\" x=\"%d\" y=\"%d\">timeline %" PRIu32 "</text>\n",
            LEFT - 12, y_of(index) + 4, timeline->timeline);
    if (timeline->ancestor_count == 0 && timeline->timeline != 1)
        fprintf(drawing->out,
                "  <text class=\"lost small end\" x=\"%d\" y=\"%d\">no history</text>\n", LEFT - 12,
                y_of(index) + 18);
    if (timeline->ancestor_count == 0)
        return;
    const struct wal_ancestor *parent = &timeline->ancestors[timeline->ancestor_count - 1];
    fprintf(drawing->out,
            "  <text class=\"faint small end\" x=\"%d\" y=\"%d\">from %" PRIu32 " at %s</text>\n",
            LEFT - 12, y_of(index) + 18, parent->timeline, human_lsn(parent->address, lsn));
}

/* From the parent's lane down to the lane's beginning. */
static void put_fork(const struct drawing *drawing, size_t index)
{
    const struct chart_lane *lane = &drawing->chart->lanes[index];
    if (lane->parent == SIZE_MAX)
        return;
    const struct chart_lane *parent = &drawing->chart->lanes[lane->parent];
    double x = x_of(drawing, lane->first), end = x_of(drawing, parent->last + 1);
    if (end < x)
        fprintf(drawing->out, "  <path class=\"quiet\" d=\"M%.1f %dH%.1f\"/>\n", end,
                y_of(lane->parent), x);
    fprintf(drawing->out, "  <path class=\"fork\" d=\"M%.1f %dV%d\"/>\n", x + 1, y_of(lane->parent),
            y_of(index));
}

static void put_wal(const struct drawing *drawing, size_t index)
{
    const struct chart_lane *lane = &drawing->chart->lanes[index];
    int y = y_of(index);
    fprintf(drawing->out, "  <path class=\"quiet\" d=\"M%.1f %dH%.1f\"/>\n",
            x_of(drawing, lane->first), y, x_of(drawing, lane->last + 1));
    for (size_t from = lane->first, to; from <= lane->last; from = to + 1) {
        for (to = from; to <= lane->last && lane->steps[to].segments; to++)
            ;
        if (to > from)
            fprintf(drawing->out,
                    "  <rect class=\"wal\" x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"6\" "
                    "rx=\"2\"/>\n",
                    x_of(drawing, from), y - 3, x_of(drawing, to) - x_of(drawing, from));
    }
}

/* Half of a mark's width, so that base backups that are near to each other stay apart. */
static int mark_size(const struct drawing *drawing, const struct chart_lane *lane)
{
    int marks = 0;
    for (size_t i = lane->first; i <= lane->last; i++)
        marks += lane->steps[i].backups > 0;
    int room = (int)(x_of(drawing, lane->last + 1) - x_of(drawing, lane->first));
    int size = marks ? room / marks / 2 : MARK_MAX;
    return size < MARK_MIN ? MARK_MIN : size > MARK_MAX ? MARK_MAX : size;
}

static void put_marks(const struct drawing *drawing, size_t index)
{
    char period[HUMAN_SIZE];
    const struct chart_lane *lane = &drawing->chart->lanes[index];
    int y = y_of(index), size = mark_size(drawing, lane);
    for (size_t i = lane->first; i <= lane->last; i++) {
        double x = x_of(drawing, i) + step_width(drawing) / 2;
        step_period(drawing, i, period);
        if (lane->steps[i].backups)
            fprintf(drawing->out,
                    "  <path class=\"backup\" d=\"M%.1f %dl%d %dl%d %dl%d %dz\"><title>%u base "
                    "backup%s, %s</title></path>\n",
                    x, y - size, size, size, -size, size, -size, -size, lane->steps[i].backups,
                    lane->steps[i].backups == 1 ? "" : "s", period);
        if (lane->steps[i].gaps)
            fprintf(
                drawing->out,
                "  <path class=\"gap\" d=\"M%.1f %dl10 10m0 -10l-10 10\"><title>%u gap%s before "
                "%s</title></path>\n",
                x - 5, y - 5, lane->steps[i].gaps, lane->steps[i].gaps == 1 ? "" : "s", period);
    }
}

static void put_lanes(const struct drawing *drawing)
{
    size_t count = drawing->chart->lane_count;
    for (size_t i = 0; i < count; i++)
        put_fork(drawing, i);
    for (size_t i = 0; i < count; i++) {
        put_lane_label(drawing, i);
        put_wal(drawing, i);
        put_marks(drawing, i);
    }
}

static void put_legend(const struct drawing *drawing, int y)
{
    fprintf(drawing->out,
            "  <rect class=\"wal\" x=\"%d\" y=\"%d\" width=\"22\" height=\"6\" rx=\"2\"/>"
            "<text class=\"small\" x=\"%d\" y=\"%d\">archived</text>\n",
            LEFT, y - 7, LEFT + 30, y);
    fprintf(drawing->out,
            "  <path class=\"quiet\" d=\"M%d %dh22\"/>"
            "<text class=\"small\" x=\"%d\" y=\"%d\">nothing archived</text>\n",
            LEFT + 110, y - 4, LEFT + 140, y);
    fprintf(drawing->out,
            "  <path class=\"backup\" d=\"M%d %dl7 7l-7 7l-7 -7z\"/>"
            "<text class=\"small\" x=\"%d\" y=\"%d\">base backup</text>\n",
            LEFT + 270, y - 11, LEFT + 284, y);
    fprintf(drawing->out,
            "  <path class=\"gap\" d=\"M%d %dl10 10m0 -10l-10 10\"/>"
            "<text class=\"small\" x=\"%d\" y=\"%d\">gap</text>\n",
            LEFT + 390, y - 9, LEFT + 408, y);
    if (drawing->chart->omitted)
        fprintf(
            drawing->out,
            "  <text class=\"faint small\" x=\"%d\" y=\"%d\">and %zu earlier timelines</text>\n",
            LEFT + 470, y, drawing->chart->omitted);
}

int svg_print(const struct summary *summary, FILE *out, struct error *error)
{
    struct chart chart;
    const struct drawing drawing = {summary, &chart, out};
    if (chart_make(summary->inventory, summary->gaps, PLOT / STEP_MIN, summary->now, &chart,
                   error)) {
        chart_free(&chart);
        return -1;
    }
    int end = y_of(chart.lane_count);
    put_head(&drawing, end + BELOW);
    if (chart.steps) {
        put_axis(&drawing);
        put_bars(&drawing);
        put_lanes(&drawing);
        put_legend(&drawing, end + BELOW / 2);
    }
    fputs("</svg>\n", out);
    chart_free(&chart);
    return 0;
}
