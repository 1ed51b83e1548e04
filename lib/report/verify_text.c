#include "base/moment.h"
#include "report/color.h"
#include "report/human.h"
#include "report/table.h"
#include "report/verify.h"

#include <inttypes.h>

/* Where it goes, and how. */
struct page {
    const struct verification *verification;
    struct colors colors;
    FILE *out;
};

static void title(const struct page *page, enum color_role role, const char *text)
{
    fprintf(page->out, "%s%s:%s\n", color_begin(&page->colors, role), text,
            color_end(&page->colors, role));
}

static const char *plural(uint64_t count, const char *one, const char *many)
{
    return count == 1 ? one : many;
}

/* ---- what was looked at ---- */

static void tell_archive(const struct page *page, const struct verify_story *story)
{
    const struct inventory *inventory = &page->verification->inventory;
    char size[HUMAN_SIZE];
    fprintf(page->out, "%s:", story->archive);
    if (inventory->system_identifier)
        fprintf(page->out, " cluster %" PRIu64 ",", inventory->system_identifier);
    if (inventory->version)
        fprintf(page->out, " PostgreSQL %s,", inventory->version);
    fprintf(page->out, " segments of %s\n", human_size(inventory->geometry.segment_size, size));
}

static void tell_amount(const struct page *page)
{
    struct verify_totals totals = verify_total(page->verification);
    char segments[HUMAN_SIZE], size[HUMAN_SIZE];
    fprintf(page->out, "%s %s of %zu %s, %s; %zu %s\n", human_count(totals.segments, segments),
            plural(totals.segments, "segment", "segments"), totals.timelines,
            plural(totals.timelines, "timeline", "timelines"), human_size(totals.stored, size),
            totals.backups, plural(totals.backups, "backup", "backups"));
}

static void tell_backlog(const struct page *page, const struct verify_story *story)
{
    char count[HUMAN_SIZE], age[HUMAN_SIZE];
    if (story->backlog && story->backlog->files)
        fprintf(page->out, "%s wait to be archived, the first for %s\n",
                human_count(story->backlog->files, count),
                human_duration(story->now - story->backlog->oldest, age));
    else if (story->backlog)
        fputs("nothing waits to be archived\n", page->out);
}

static void tell_checked(const struct page *page)
{
    const struct verify_checked *checked = &page->verification->checked;
    char count[HUMAN_SIZE], size[HUMAN_SIZE], records[HUMAN_SIZE];
    if (page->verification->depth == VERIFY_NAMES) {
        fputs("checked: names alone\n", page->out);
        return;
    }
    fprintf(page->out, "checked: %s %s, %s", human_count(checked->objects, count),
            plural(checked->objects, "object", "objects"), human_size(checked->stored, size));
    if (checked->records)
        fprintf(page->out, ", %s %s", human_count(checked->records, records),
                plural(checked->records, "record", "records"));
    if (checked->known)
        fprintf(page->out, "; %s found whole before", human_count(checked->known, count));
    fputc('\n', page->out);
    if (checked->headers_only)
        fprintf(page->out,
                "  of %s %s no more than page headers, for want of a release whose records can be "
                "read\n",
                human_count(checked->headers_only, count),
                plural(checked->headers_only, "segment", "segments"));
}

/* ---- what can be recovered ---- */

/* Whoever may archive chooses the label: no control character of it reaches a terminal. */
static void tell_backup(const struct page *page, const struct inventory_backup *backup)
{
    fputs("backup \"", page->out);
    table_put_text(page->out, backup->content.label);
    fputs("\" (", page->out);
    table_put_text(page->out, backup->content.start_time);
    fputc(')', page->out);
}

static void tell_until(const struct page *page, const struct verify_end *end)
{
    char moment[MOMENT_SIZE];
    moment_format(end->moment, moment);
    if (end->kind == VERIFY_END_COMMIT)
        fprintf(page->out, " to any moment until %s", moment);
    else if (end->kind == VERIFY_END_ARCHIVED)
        fprintf(page->out, " to any moment until the end of the WAL archived %s", moment);
    else
        fputs(" to the end of the WAL", page->out);
}

static void tell_recovery(const struct page *page, size_t index)
{
    const struct recovery *recovery = &page->verification->recoveries.list[index];
    char lsn[HUMAN_SIZE];
    uint64_t end =
        wal_geometry_address(&page->verification->inventory.geometry, recovery->last + 1);
    fputs("  from ", page->out);
    tell_backup(page, recovery->backup);
    tell_until(page, &page->verification->ends[index]);
    fprintf(page->out, ", timeline %" PRIu32 " (%s)%s\n", recovery->timeline, human_lsn(end, lsn),
            recovery->goes_on ? ", where WAL is missing" : "");
}

static void tell_recoveries(const struct page *page)
{
    const struct recoveries *recoveries = &page->verification->recoveries;
    size_t told = 0;
    for (size_t i = 0; i < recoveries->count; i++) {
        if (!recoveries->list[i].consistent)
            continue;
        if (told++ == 0)
            title(page, COLOR_TITLE, "recoverable");
        tell_recovery(page, i);
    }
    if (told == 0 && page->verification->inventory.backup_count)
        fputs("recoverable: nothing, from any backup\n", page->out);
    else if (told == 0)
        fputs("no backup is known: the archive has no backup history file\n", page->out);
}

/* ---- backups that can't be restored ---- */

static void tell_backups(const struct page *page)
{
    static const char *const reasons[] = {
        [BACKUP_OUTSIDE] = "needs WAL that is not looked at, or was removed",
        [BACKUP_CUT] = "can't be restored: WAL that it needs is missing or damaged",
        [BACKUP_KNOWN] = "can't be restored, because of a known gap",
        [BACKUP_DAMAGED] = "its history file is damaged",
    };
    const struct inventory *inventory = &page->verification->inventory;
    size_t told = 0;
    for (size_t i = 0; i < inventory->backup_count; i++) {
        enum verify_backup verdict = page->verification->backups[i];
        if (verdict == BACKUP_RESTORABLE)
            continue;
        if (told++ == 0)
            title(page, COLOR_TITLE, "other backups");
        fprintf(page->out, "  %s", inventory->backups[i].name.text);
        if (verdict != BACKUP_DAMAGED) {
            fputs(", ", page->out);
            tell_backup(page, &inventory->backups[i]);
        }
        fprintf(page->out, ": %s\n", reasons[verdict]);
    }
}

/* ---- gaps ---- */

static void tell_missing(const struct page *page, const struct verify_gap *gap)
{
    uint64_t count = gap->gap.last - gap->gap.first + 1;
    char count_text[HUMAN_SIZE];
    if (gap->gap.kind == GAP_HISTORY)
        fprintf(page->out, "  %s, the history of timeline %" PRIu32, gap->first.text,
                gap->gap.timeline);
    else if (count == 1)
        fprintf(page->out, "  %s", gap->first.text);
    else
        fprintf(page->out, "  %s to %s, %s segments", gap->first.text, gap->last.text,
                human_count(count, count_text));
    if (gap->gap.seen != gap->gap.timeline)
        fprintf(page->out, ", as timeline %" PRIu32 " shows", gap->gap.seen);
    if (gap->known)
        fprintf(page->out, " (known%s%s)", *gap->known->why ? ": " : "", gap->known->why);
    fputc('\n', page->out);
}

/* Which backups end before what is missing, and which is the first that does not need it. */
static void tell_consequences(const struct page *page, uint32_t timeline, uint64_t first,
                              uint64_t last)
{
    const struct verification *verification = page->verification;
    const struct inventory_backup *told = NULL;
    for (size_t i = 0; i < verification->recoveries.count; i++) {
        const struct recovery *recovery = &verification->recoveries.list[i];
        if (recovery->backup == told ||
            !verification_stops(verification, recovery, timeline, first, last))
            continue;
        told = recovery->backup;
        fputs("    recovery from ", page->out);
        tell_backup(page, told);
        fprintf(page->out, " ends before it%s\n",
                recovery->consistent ? "" : ", too early to be of use");
    }
    const struct inventory_backup *behind = verification_behind(verification, timeline, last);
    fputs("    WAL behind it is reached ", page->out);
    if (behind) {
        fputs("only from ", page->out);
        tell_backup(page, behind);
        fputs(" on\n", page->out);
    } else {
        fputs("from no backup\n", page->out);
    }
}

static void tell_gaps(const struct page *page)
{
    const struct verification *verification = page->verification;
    if (verification->gap_count)
        title(page, COLOR_BAD, "missing");
    for (size_t i = 0; i < verification->gap_count; i++) {
        const struct verify_gap *gap = &verification->gaps[i];
        tell_missing(page, gap);
        if (gap->gap.kind == GAP_HISTORY)
            fprintf(page->out,
                    "    no backup of an earlier timeline leads to timeline %" PRIu32 "\n",
                    gap->gap.timeline);
        else
            tell_consequences(page, gap->gap.timeline, gap->gap.first, gap->gap.last);
    }
}

/* ---- damage ---- */

static void tell_damage(const struct page *page)
{
    const struct verification *verification = page->verification;
    if (verification->damage_count)
        title(page, COLOR_BAD, "damaged");
    for (size_t i = 0; i < verification->damage_count; i++) {
        const struct verify_damage *damage = &verification->damages[i];
        uint64_t number;
        fprintf(page->out, "  %s: %s\n", damage->key.text, damage->problem);
        if (verification_lacks(verification, &damage->name, &number))
            tell_consequences(page, damage->name.timeline, number, number);
    }
}

/* ---- the verdict ---- */

static void tell_verdict(const struct page *page)
{
    struct verify_faults faults = verification_faults(page->verification);
    bool whole = verification_is_whole(page->verification);
    enum color_role role = whole ? COLOR_GOOD : COLOR_BAD;
    char text[HUMAN_SIZE];
    const char *separator = ": ";
    fprintf(page->out, "%s%s%s", color_begin(&page->colors, role), whole ? "whole" : "not whole",
            color_end(&page->colors, role));
    if (faults.gaps) {
        fprintf(page->out, "%s%zu %s, of %s %s", separator, faults.gaps,
                plural(faults.gaps, "gap", "gaps"), human_count(faults.missing, text),
                plural(faults.missing, "segment", "segments"));
        separator = "; ";
    }
    if (faults.damaged) {
        fprintf(page->out, "%s%zu %s", separator, faults.damaged,
                plural(faults.damaged, "damaged object", "damaged objects"));
        separator = "; ";
    }
    if (faults.backups)
        fprintf(page->out, "%s%zu %s", separator, faults.backups,
                plural(faults.backups, "backup that can't be restored",
                       "backups that can't be restored"));
    fputc('\n', page->out);
}

void verify_text(const struct verify_story *story, FILE *out)
{
    const struct page page = {story->verification, color_choose(story->color, out), out};
    tell_archive(&page, story);
    tell_amount(&page);
    tell_backlog(&page, story);
    tell_checked(&page);
    tell_recoveries(&page);
    tell_backups(&page);
    tell_gaps(&page);
    tell_damage(&page);
    tell_verdict(&page);
}
