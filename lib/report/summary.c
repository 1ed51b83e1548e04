#include "report/summary.h"
#include "base/moment.h"
#include "report/backups.h"
#include "report/human.h"
#include "report/ranges.h"
#include "report/standbys.h"
#include "report/table.h"
#include "report/totals.h"

#include <inttypes.h>
#include <string.h>

/* Of more timelines the last ones are shown. */
enum { TIMELINES_SHOWN = 20 };

struct page {
    const struct summary *summary;
    FILE *out;
    const struct colors *colors;
};

/* ---- the archive ---- */

static void begin_line(const struct page *page, const char *name)
{
    fprintf(page->out, "  %s%-12s%s", color_begin(page->colors, COLOR_FAINT), name,
            color_end(page->colors, COLOR_FAINT));
}

/* "3 timelines", "1 timeline". */
static void put_count(const struct page *page, const char *before, uint64_t count, const char *noun)
{
    char text[HUMAN_SIZE];
    fprintf(page->out, "%s%s %s%s", before, human_count(count, text), noun, count == 1 ? "" : "s");
}

static void put_title(const struct page *page)
{
    fprintf(page->out, "%sArchive ", color_begin(page->colors, COLOR_TITLE));
    table_put_text(page->out, page->summary->archive->location);
    fprintf(page->out, "%s\n", color_end(page->colors, COLOR_TITLE));
}

static void put_cluster(const struct page *page)
{
    const struct inventory *inventory = page->summary->inventory;
    char size[HUMAN_SIZE];
    begin_line(page, "cluster");
    if (inventory->system_identifier)
        fprintf(page->out, "%" PRIu64, inventory->system_identifier);
    else
        fputs("not known", page->out);
    if (inventory->version)
        fprintf(page->out, ", PostgreSQL %s", inventory->version);
    if (inventory->has_geometry)
        fprintf(page->out, ", segments of %s", human_size(inventory->geometry.segment_size, size));
    fputc('\n', page->out);
}

static void put_layout(const struct page *page)
{
    const struct layout *layout = &page->summary->archive->layout;
    if (!layout->foreign)
        return;
    begin_line(page, "layout");
    fprintf(page->out, "%s, which is only read here\n",
            layout->tool ? layout->tool : "segments in directories");
}

static void put_contents(const struct page *page, const struct totals *totals)
{
    const struct inventory *inventory = page->summary->inventory;
    begin_line(page, "holds");
    put_count(page, "", totals->segments, "segment");
    put_count(page, " on ", inventory->timeline_count, "timeline");
    if (totals->copies)
        put_count(page, " and ", totals->copies, "further copy");
    if (totals->partials)
        put_count(page, ", ", totals->partials, "partial segment");
    put_count(page, ", ", inventory->backup_count, "base backup");
    if (inventory->others)
        put_count(page, ", ", inventory->others, "other file");
    fputc('\n', page->out);
}

static void put_size(const struct page *page, const struct totals *totals)
{
    char stored[HUMAN_SIZE], raw[HUMAN_SIZE], ratio[HUMAN_SIZE];
    begin_line(page, "size");
    fprintf(page->out, "%s stored, %s of WAL, ratio %s\n", human_size(totals->stored, stored),
            human_size(totals->raw, raw), human_ratio(totals->raw, totals->wal_stored, ratio));
}

static void put_age(const struct page *page, const struct totals *totals)
{
    char oldest[MOMENT_SIZE], newest[MOMENT_SIZE], span[HUMAN_SIZE], age[HUMAN_SIZE];
    if (!totals->newest)
        return;
    moment_format(totals->oldest, oldest);
    moment_format(totals->newest, newest);
    begin_line(page, "archived");
    fprintf(page->out, "%s - %s (%s), the newest %s ago\n", oldest, newest,
            human_duration(totals->newest - totals->oldest, span),
            human_duration(page->summary->now - totals->newest, age));
}

static void put_rate(const struct page *page, const struct totals *totals)
{
    char wal[HUMAN_SIZE], stored[HUMAN_SIZE];
    if (!totals_per_day(totals, totals->wal))
        return;
    begin_line(page, "a day");
    fprintf(page->out, "%s of WAL, %s stored\n",
            human_size(totals_per_day(totals, totals->wal), wal),
            human_size(totals_per_day(totals, totals->wal_stored), stored));
}

static void put_gaps(const struct page *page)
{
    const struct gaps *gaps = page->summary->gaps;
    enum color_role role = gaps->count ? COLOR_BAD : COLOR_GOOD;
    uint64_t missing = totals_missing(gaps), histories = 0;
    for (size_t i = 0; i < gaps->count; i++)
        histories += gaps->list[i].kind == GAP_HISTORY;
    begin_line(page, "gaps");
    fputs(color_begin(page->colors, role), page->out);
    if (gaps->count == 0)
        fputs("none", page->out);
    if (missing)
        put_count(page, "", missing, "segment");
    if (missing && histories)
        fputs(" and ", page->out);
    if (histories)
        put_count(page, "", histories, "history file");
    fprintf(page->out, "%s%s\n", gaps->count ? " missing" : "", color_end(page->colors, role));
}

static void put_archive(const struct page *page)
{
    struct totals totals;
    totals_of(page->summary->inventory, &totals);
    put_title(page);
    put_cluster(page);
    put_layout(page);
    put_contents(page, &totals);
    put_size(page, &totals);
    put_age(page, &totals);
    put_rate(page, &totals);
    put_gaps(page);
}

/* ---- timelines ---- */

static void put_descent(const struct page *page, const struct inventory_timeline *timeline)
{
    char lsn[HUMAN_SIZE];
    if (timeline->ancestor_count == 0)
        return;
    const struct wal_ancestor *parent = &timeline->ancestors[timeline->ancestor_count - 1];
    fprintf(page->out, ", forked from timeline %" PRIu32 " at %s", parent->timeline,
            human_lsn(parent->address, lsn));
}

static void put_history_problem(const struct page *page, const struct inventory_timeline *timeline)
{
    bool is_damaged = timeline->history_problem.class != ERROR_NONE;
    if (timeline->timeline == 1 || (*timeline->history.text && !is_damaged))
        return;
    fprintf(page->out, ", %sits history file is %s%s", color_begin(page->colors, COLOR_BAD),
            is_damaged ? "damaged: " : "missing",
            is_damaged ? timeline->history_problem.message : "");
    fputs(color_end(page->colors, COLOR_BAD), page->out);
}

static void put_timeline_totals(const struct page *page, const struct inventory_timeline *timeline)
{
    struct totals totals;
    char ratio[HUMAN_SIZE], rate[HUMAN_SIZE];
    totals_of_timeline(page->summary->inventory, timeline, &totals);
    if (totals.wal_stored)
        fprintf(page->out, ", ratio %s", human_ratio(totals.raw, totals.wal_stored, ratio));
    if (totals_per_day(&totals, totals.wal))
        fprintf(page->out, ", %s of WAL a day",
                human_size(totals_per_day(&totals, totals.wal), rate));
    if (!timeline->range_count && !timeline->partial_count)
        fputs(", no WAL", page->out);
}

static int put_timeline(const struct page *page, const struct inventory_timeline *timeline,
                        enum summary_extent extent, struct error *error)
{
    fprintf(page->out, "\n%sTimeline %" PRIu32 "%s", color_begin(page->colors, COLOR_TITLE),
            timeline->timeline, color_end(page->colors, COLOR_TITLE));
    put_descent(page, timeline);
    put_timeline_totals(page, timeline);
    put_history_problem(page, timeline);
    fputc('\n', page->out);
    return ranges_print(page->summary, timeline, extent, page->out, page->colors, error);
}

static void put_omitted(const struct page *page, size_t count)
{
    char text[HUMAN_SIZE];
    fprintf(page->out, "\n%s... and %s earlier timelines (--full shows them)%s\n",
            color_begin(page->colors, COLOR_FAINT), human_count(count, text),
            color_end(page->colors, COLOR_FAINT));
}

int summary_print(const struct summary *summary, enum summary_extent extent, FILE *out,
                  const struct colors *colors, struct error *error)
{
    const struct page page = {summary, out, colors};
    const struct inventory *inventory = summary->inventory;
    size_t count = inventory->timeline_count, first = 0;
    if (extent == SUMMARY_SHORT && count > TIMELINES_SHOWN + 1)
        first = count - TIMELINES_SHOWN;
    put_archive(&page);
    if (first)
        put_omitted(&page, first);
    for (size_t i = first; i < count; i++)
        if (put_timeline(&page, &inventory->timelines[i], extent, error))
            return -1;
    return backups_print(summary, extent, out, colors, error) ||
                   standbys_print(summary, out, colors, error)
               ? -1
               : 0;
}
