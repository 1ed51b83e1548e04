#include "report/utf8.h"
#include "report/verify.h"

#include <inttypes.h>
#include <stdbool.h>

/* Text exposition format, version 0.0.4:
 * https://prometheus.io/docs/instrumenting/exposition_formats/ */

struct page {
    const struct verify_story *story;
    struct verify_totals totals;
    struct verify_faults faults;
    FILE *out;
};

/* UTF-8, or a reader refuses all of it. */
static void put_label(const char *text, FILE *out)
{
    while (*text) {
        struct utf8_character character = utf8_next(&text);
        if (character.code == '\\' || character.code == '"')
            fprintf(out, "\\%s", character.text);
        else if (character.code == '\n')
            fputs("\\n", out);
        else
            fputs(character.text, out);
    }
}

static void begin(const struct page *page, const char *name, const char *help)
{
    fprintf(page->out, "# HELP walverify_%s %s\n# TYPE walverify_%s gauge\n", name, help, name);
}

static void sample(const struct page *page, const char *name, const uint32_t *timeline,
                   int64_t value)
{
    fprintf(page->out, "walverify_%s{archive=\"", name);
    put_label(page->story->archive, page->out);
    fputc('"', page->out);
    if (timeline)
        fprintf(page->out, ",timeline=\"%" PRIu32 "\"", *timeline);
    fprintf(page->out, "} %" PRId64 "\n", value);
}

/* ---- of the archive: a table, a new metric is a line ---- */

/* False: there is none. */
typedef bool measure(const struct page *page, int64_t *value);

static bool is_whole(const struct page *page, int64_t *value)
{
    *value = verification_is_whole(page->story->verification);
    return true;
}

static bool count_gaps(const struct page *page, int64_t *value)
{
    *value = (int64_t)page->faults.gaps;
    return true;
}

static bool count_known_gaps(const struct page *page, int64_t *value)
{
    *value = (int64_t)page->faults.known_gaps;
    return true;
}

static bool count_missing(const struct page *page, int64_t *value)
{
    *value = (int64_t)page->faults.missing;
    return true;
}

static bool count_damaged(const struct page *page, int64_t *value)
{
    *value = (int64_t)page->faults.damaged;
    return true;
}

static bool count_backups(const struct page *page, int64_t *value)
{
    *value = (int64_t)page->totals.backups;
    return true;
}

static bool count_restorable(const struct page *page, int64_t *value)
{
    *value = (int64_t)page->totals.restorable;
    return true;
}

static bool age(const struct page *page, int64_t since, int64_t *value)
{
    *value = page->story->now > since ? page->story->now - since : 0;
    return since != 0;
}

static bool newest_age(const struct page *page, int64_t *value)
{
    return age(page, page->totals.newest, value);
}

static bool newest_backup_age(const struct page *page, int64_t *value)
{
    return age(page, page->totals.newest_backup, value);
}

static bool count_backlog(const struct page *page, int64_t *value)
{
    const struct backlog *backlog = page->story->backlog;
    *value = backlog ? (int64_t)backlog->files : 0;
    return backlog != NULL;
}

static bool backlog_age(const struct page *page, int64_t *value)
{
    const struct backlog *backlog = page->story->backlog;
    *value = 0;
    if (backlog && backlog->oldest)
        age(page, backlog->oldest, value);
    return backlog != NULL;
}

static bool count_checked(const struct page *page, int64_t *value)
{
    *value = (int64_t)page->story->verification->checked.objects;
    return true;
}

static bool checked_bytes(const struct page *page, int64_t *value)
{
    *value = (int64_t)page->story->verification->checked.stored;
    return true;
}

static bool last_run(const struct page *page, int64_t *value)
{
    *value = page->story->now;
    return true;
}

static const struct metric {
    const char *name, *help;
    measure *measure;
} metrics[] = {
    {"whole", "Whether nothing is missing or damaged.", is_whole},
    {"gaps", "Gaps that are not known.", count_gaps},
    {"known_gaps", "Gaps that an operator has acknowledged.", count_known_gaps},
    {"missing_segments", "Segments that are missing in gaps that are not known.", count_missing},
    {"damaged_objects", "Objects that are damaged, or not what their names say.", count_damaged},
    {"backups", "Base backups by their history files.", count_backups},
    {"restorable_backups", "Base backups whose WAL is there.", count_restorable},
    {"newest_segment_age_seconds", "Since the newest segment was archived.", newest_age},
    {"newest_backup_age_seconds", "Since the newest restorable backup ended.", newest_backup_age},
    {"backlog_segments", "Files that wait in the server to be archived.", count_backlog},
    {"backlog_age_seconds", "How long the first of them has waited.", backlog_age},
    {"checked_objects", "Objects that this run has read.", count_checked},
    {"checked_bytes", "Bytes that this run has read.", checked_bytes},
    {"last_run_timestamp_seconds", "When this was found out.", last_run},
};

static void tell_archive(const struct page *page)
{
    for (size_t i = 0; i < sizeof metrics / sizeof *metrics; i++) {
        int64_t value;
        if (!metrics[i].measure(page, &value))
            continue;
        begin(page, metrics[i].name, metrics[i].help);
        sample(page, metrics[i].name, NULL, value);
    }
}

/* ---- of each timeline ---- */

static bool timeline_segments(const struct inventory_timeline *timeline, int64_t *value)
{
    *value = (int64_t)timeline->segments;
    return true;
}

static bool timeline_bytes(const struct inventory_timeline *timeline, int64_t *value)
{
    *value = (int64_t)timeline->stored;
    return true;
}

static bool timeline_newest(const struct inventory_timeline *timeline, int64_t *value)
{
    *value = timeline->newest;
    return timeline->newest != 0;
}

static const struct timeline_metric {
    const char *name, *help;
    bool (*measure)(const struct inventory_timeline *timeline, int64_t *value);
} timeline_metrics[] = {
    {"segments", "Segments of the timeline.", timeline_segments},
    {"stored_bytes", "Bytes of its segments, as stored.", timeline_bytes},
    {"newest_timestamp_seconds", "When its newest segment was archived.", timeline_newest},
};

static void tell_timelines(const struct page *page, const struct timeline_metric *metric)
{
    const struct inventory *inventory = &page->story->verification->inventory;
    begin(page, metric->name, metric->help);
    for (size_t i = 0; i < inventory->timeline_count; i++) {
        int64_t value;
        if (metric->measure(&inventory->timelines[i], &value))
            sample(page, metric->name, &inventory->timelines[i].timeline, value);
    }
}

void verify_prometheus(const struct verify_story *story, FILE *out)
{
    const struct page page = {story, verify_total(story->verification),
                              verification_faults(story->verification), out};
    tell_archive(&page);
    for (size_t i = 0; i < sizeof timeline_metrics / sizeof *timeline_metrics; i++)
        tell_timelines(&page, &timeline_metrics[i]);
}
