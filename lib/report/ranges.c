#include "report/ranges.h"
#include "base/error.h"
#include "report/human.h"
#include "report/table.h"

#include <inttypes.h>
#include <stdlib.h>

/* Of more lines than that the first and the last are shown: of the last one wants to see more. */
enum { SHOWN_FIRST = 4, SHOWN_LAST = 10, SHOWN_MAX = SHOWN_FIRST + SHOWN_LAST + 2 };

static const struct table_column columns[] = {
    {"first", TABLE_LEFT},   {"last", TABLE_LEFT},           {"segments", TABLE_RIGHT},
    {"stored", TABLE_RIGHT}, {"archived (UTC)", TABLE_LEFT}, {NULL, TABLE_LEFT},
};

/* A line of the table: one of them. */
struct line {
    const struct inventory_range *range;
    const struct gap *gap;
};

struct lines {
    struct line *list;
    size_t count;
};

/* The timeline's gaps, which are next to each other in the list. */
static const struct gap *gaps_of(const struct gaps *gaps, uint32_t timeline, size_t *count)
{
    size_t first = 0, last;
    while (first < gaps->count && gaps->list[first].timeline != timeline)
        first++;
    /* A missing history is no line of its own: it stands in the heading. */
    while (first < gaps->count && gaps->list[first].kind == GAP_HISTORY &&
           gaps->list[first].timeline == timeline)
        first++;
    for (last = first; last < gaps->count && gaps->list[last].timeline == timeline;)
        last++;
    *count = last - first;
    return gaps->list + first;
}

static int merge(const struct summary *summary, const struct inventory_timeline *timeline,
                 struct lines *lines, struct error *error)
{
    size_t gap_count, range = 0, gap = 0;
    const struct gap *gaps = gaps_of(summary->gaps, timeline->timeline, &gap_count);
    lines->count = timeline->range_count + gap_count;
    lines->list = calloc(lines->count + 1, sizeof *lines->list);
    if (!lines->list)
        return error_memory(error);
    for (size_t i = 0; i < lines->count; i++) {
        bool is_gap = range == timeline->range_count ||
                      (gap < gap_count && gaps[gap].first < timeline->ranges[range].first);
        if (is_gap)
            lines->list[i].gap = &gaps[gap++];
        else
            lines->list[i].range = &timeline->ranges[range++];
    }
    return 0;
}

/* ---- rows ---- */

static int add_range(struct table *table, const struct inventory *inventory, uint32_t timeline,
                     const struct inventory_range *range, struct error *error)
{
    struct wal_name first = wal_geometry_name(&inventory->geometry, timeline, range->first);
    struct wal_name last = wal_geometry_name(&inventory->geometry, timeline, range->last);
    char count[HUMAN_SIZE], stored[HUMAN_SIZE], time[HUMAN_SIZE];
    const char *cells[] = {
        first.text, last.text, human_count(range->last - range->first + 1, count),
        human_size(range->stored, stored), human_period(range->oldest, range->newest, time)};
    return table_add(table, COLOR_PLAIN, cells, error);
}

static int add_gap(struct table *table, const struct inventory *inventory, const struct gap *gap,
                   struct error *error)
{
    struct wal_name first = wal_geometry_name(&inventory->geometry, gap->timeline, gap->first);
    struct wal_name last = wal_geometry_name(&inventory->geometry, gap->timeline, gap->last);
    char count[HUMAN_SIZE], seen[64] = "";
    if (gap->seen != gap->timeline)
        snprintf(seen, sizeof seen, "timeline %" PRIu32 " needs it", gap->seen);
    const char *cells[] = {first.text, last.text, human_count(gap->last - gap->first + 1, count),
                           "missing", seen};
    return table_add(table, COLOR_BAD, cells, error);
}

static int add_partial(struct table *table, const struct inventory *inventory, uint32_t timeline,
                       const struct inventory_partial *partial, struct error *error)
{
    struct wal_name name = wal_geometry_name(&inventory->geometry, timeline, partial->number);
    char stored[HUMAN_SIZE], time[HUMAN_SIZE];
    const char *cells[] = {name.text, "partial", "", human_size(partial->stored, stored),
                           human_period(partial->time, partial->time, time)};
    return table_add(table, COLOR_FAINT, cells, error);
}

static int add_omitted(struct table *table, const struct lines *lines, size_t from, size_t to,
                       struct error *error)
{
    size_t gaps = 0;
    char text[160], ranges_text[HUMAN_SIZE], gaps_text[HUMAN_SIZE];
    for (size_t i = from; i < to; i++)
        gaps += lines->list[i].gap != NULL;
    snprintf(text, sizeof text, "... and %s more ranges, %s gaps (--full shows them)",
             human_count(to - from - gaps, ranges_text), human_count(gaps, gaps_text));
    return table_note(table, COLOR_FAINT, text, error);
}

static int add_line(struct table *table, const struct summary *summary,
                    const struct inventory_timeline *timeline, const struct line *line,
                    struct error *error)
{
    return line->gap ? add_gap(table, summary->inventory, line->gap, error)
                     : add_range(table, summary->inventory, timeline->timeline, line->range, error);
}

static int add_lines(struct table *table, const struct summary *summary,
                     const struct inventory_timeline *timeline, const struct lines *lines,
                     enum summary_extent extent, struct error *error)
{
    bool cut = extent == SUMMARY_SHORT && lines->count > SHOWN_MAX;
    size_t from = cut ? SHOWN_FIRST : lines->count, to = cut ? lines->count - SHOWN_LAST : from;
    for (size_t i = 0; i < from; i++)
        if (add_line(table, summary, timeline, &lines->list[i], error))
            return -1;
    if (cut && add_omitted(table, lines, from, to, error))
        return -1;
    for (size_t i = to; i < lines->count; i++)
        if (add_line(table, summary, timeline, &lines->list[i], error))
            return -1;
    return 0;
}

static int add_partials(struct table *table, const struct inventory *inventory,
                        const struct inventory_timeline *timeline, struct error *error)
{
    for (size_t i = 0; i < timeline->partial_count; i++)
        if (add_partial(table, inventory, timeline->timeline, &timeline->partials[i], error))
            return -1;
    return 0;
}

int ranges_print(const struct summary *summary, const struct inventory_timeline *timeline,
                 enum summary_extent extent, FILE *out, const struct colors *colors,
                 struct error *error)
{
    struct table table;
    struct lines lines = {NULL, 0};
    table_open(&table, columns);
    int result = merge(summary, timeline, &lines, error);
    if (result == 0)
        result = add_lines(&table, summary, timeline, &lines, extent, error);
    if (result == 0)
        result = add_partials(&table, summary->inventory, timeline, error);
    if (result == 0 && table.count)
        table_print(&table, out, colors);
    free(lines.list);
    table_free(&table);
    return result;
}
