#include "report/backups.h"
#include "base/buf.h"
#include "base/error.h"
#include "report/human.h"
#include "report/table.h"

#include <inttypes.h>

enum { SHOWN_FIRST = 4, SHOWN_LAST = 16, SHOWN_MAX = SHOWN_FIRST + SHOWN_LAST + 2 };

static const struct table_column columns[] = {
    {"label", TABLE_LEFT}, {"started", TABLE_LEFT},        {"from", TABLE_LEFT},
    {"to", TABLE_LEFT},    {"archived (UTC)", TABLE_LEFT}, {"leads to timeline", TABLE_LEFT},
    {NULL, TABLE_LEFT},
};

/* "1, 2 (until a gap), 3". */
static int describe_reach(const struct summary *summary, const struct inventory_backup *backup,
                          struct buf *text, struct error *error)
{
    const struct recoveries *recoveries = summary->recoveries;
    for (size_t i = 0; recoveries && i < recoveries->count; i++) {
        const struct recovery *recovery = &recoveries->list[i];
        if (recovery->backup == backup && recovery->consistent &&
            buf_printf(text, error, "%s%" PRIu32 "%s", text->length ? ", " : "", recovery->timeline,
                       recovery->goes_on ? " (until a gap)" : ""))
            return -1;
    }
    if (text->length == 0)
        return buf_printf(text, error, "%s", recoveries ? "none: WAL is missing" : "");
    return 0;
}

static int add_damaged(struct table *table, const struct inventory_backup *backup,
                       struct error *error)
{
    struct buf text = {0};
    int result = buf_printf(&text, error, "%s: %s", backup->key.text, backup->problem.message);
    if (result == 0)
        result = table_note(table, COLOR_BAD, text.data, error);
    buf_free(&text);
    return result;
}

static int add_backup(struct table *table, const struct summary *summary,
                      const struct inventory_backup *backup, struct error *error)
{
    if (backup->problem.class != ERROR_NONE)
        return add_damaged(table, backup, error);
    const struct wal_backup *content = &backup->content;
    struct buf reach = {0};
    char start[HUMAN_SIZE], stop[HUMAN_SIZE], time[HUMAN_SIZE];
    int result = describe_reach(summary, backup, &reach, error);
    if (result == 0) {
        const char *cells[] = {content->label,
                               content->start_time,
                               human_lsn(content->start, start),
                               human_lsn(content->stop, stop),
                               human_period(backup->time, backup->time, time),
                               reach.data};
        bool lost = summary->recoveries && reach.data[0] == 'n';
        result = table_add(table, lost ? COLOR_BAD : COLOR_PLAIN, cells, error);
    }
    buf_free(&reach);
    return result;
}

static int add_omitted(struct table *table, size_t count, struct error *error)
{
    char text[160], number[HUMAN_SIZE];
    snprintf(text, sizeof text, "... and %s more (--full shows them)", human_count(count, number));
    return table_note(table, COLOR_FAINT, text, error);
}

static int add_backups(struct table *table, const struct summary *summary,
                       enum summary_extent extent, struct error *error)
{
    size_t count = summary->inventory->backup_count;
    bool cut = extent == SUMMARY_SHORT && count > SHOWN_MAX;
    for (size_t i = 0; i < count; i++) {
        if (cut && i == SHOWN_FIRST) {
            i = count - SHOWN_LAST;
            if (add_omitted(table, i - SHOWN_FIRST, error))
                return -1;
        }
        if (add_backup(table, summary, &summary->inventory->backups[i], error))
            return -1;
    }
    return 0;
}

int backups_print(const struct summary *summary, enum summary_extent extent, FILE *out,
                  const struct colors *colors, struct error *error)
{
    struct table table;
    if (summary->inventory->backup_count == 0)
        return 0;
    table_open(&table, columns);
    int result = add_backups(&table, summary, extent, error);
    if (result == 0) {
        fprintf(out, "\n%sBase backups%s\n", color_begin(colors, COLOR_TITLE),
                color_end(colors, COLOR_TITLE));
        table_print(&table, out, colors);
    }
    table_free(&table);
    return result;
}
