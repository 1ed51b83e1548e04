#include "report/cleaning.h"
#include "base/moment.h"
#include "report/human.h"
#include "report/utf8.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

enum { LINE_SIZE = 256 };

__attribute__((format(printf, 3, 4))) static void append(char *text, size_t size,
                                                         const char *format, ...)
{
    va_list args;
    size_t used = strlen(text);
    va_start(args, format);
    vsnprintf(text + used, size - used, format, args);
    va_end(args);
}

static void append_count(char *text, size_t size, uint64_t count, const char *what)
{
    char number[HUMAN_SIZE];
    if (count)
        append(text, size, "%s%s %s%s", *text ? ", " : "", human_count(count, number), what,
               count == 1 ? "" : "s");
}

const char *report_tally(const struct cleaning_tally *tally, char *text, size_t size)
{
    char stored[HUMAN_SIZE];
    *text = '\0';
    append_count(text, size, tally->segments, "segment");
    append_count(text, size, tally->partials, "partial segment");
    append_count(text, size, tally->backups, "backup history file");
    append(text, size, "%s (%s)", *text ? "" : "nothing", human_size(tally->stored, stored));
    return text;
}

/* ---- base backups ---- */

static void append_reason(char *text, const char *reason)
{
    append(text, LINE_SIZE, "%s%s", *text ? ", " : "", reason);
}

static void write_reasons(unsigned reasons, const struct retention_rule *rule, char *text)
{
    char part[LINE_SIZE], number[HUMAN_SIZE];
    *text = '\0';
    if (reasons & RETENTION_BACKUPS) {
        snprintf(part, sizeof part, "one of the %s newest", human_count(rule->backups, number));
        append_reason(text, rule->backups == 1 ? "the newest" : part);
    }
    if (reasons & RETENTION_DAYS) {
        snprintf(part, sizeof part, "for the last %s days", human_count(rule->days, number));
        append_reason(text, rule->days == 1 ? "for the last day" : part);
    }
    if (reasons & RETENTION_SIZE) {
        snprintf(part, sizeof part, "fits into %s", human_size(rule->size, number));
        append_reason(text, part);
    }
    if (reasons & RETENTION_ALONE)
        append_reason(text, "the newest, though larger than keep-size");
    if (reasons & RETENTION_OTHER_LINE)
        append_reason(text, "the newest of a timeline that may be in use too");
}

static const char *const standings[] = {
    [RETENTION_COUNTS] = "",
    [RETENTION_INCONSISTENT] = " (does not count: its own WAL is not all there)",
    [RETENTION_CUT_OFF] = " (does not count: WAL behind it is missing)",
    [RETENTION_BRANCH] = " (does not count: not on the way to the newest timeline)",
};

/* A label is whatever its author liked: what steers a terminal is no part of it. */
static void print_label(FILE *out, const char *label)
{
    if (*label)
        fputs("  \"", out);
    for (const char *at = label; *at;) {
        struct utf8_character character = utf8_next(&at);
        bool steers = character.code < ' ' || (character.code >= 0x7F && character.code < 0xA0);
        fputs(steers ? "?" : character.text, out);
    }
    if (*label)
        fputc('"', out);
}

static void print_backup(FILE *out, const struct cleaning_request *request,
                         const struct inventory_backup *backup,
                         const struct retention_backup *verdict, uint64_t cutoff)
{
    char time[MOMENT_SIZE], reasons[LINE_SIZE];
    moment_format(backup->time, time);
    write_reasons(verdict->reasons, &request->rule, reasons);
    const char *what = *reasons                  ? "kept: "
                       : backup->first >= cutoff ? "stays, behind the oldest that is kept"
                                                 : "dropped";
    fprintf(out, "  %s  %s  %s%s%s", time, backup->name.text, what, reasons,
            standings[verdict->standing]);
    print_label(out, backup->content.label);
    fputc('\n', out);
}

static void print_backups(FILE *out, const struct cleaning_request *request,
                          const struct cleaning *cleaning, uint64_t cutoff)
{
    const struct inventory *inventory = &cleaning->inventory;
    fprintf(out, "Base backups:\n");
    for (size_t i = 0; i < inventory->backup_count; i++)
        print_backup(out, request, &inventory->backups[i], &cleaning->retention.backups[i], cutoff);
}

/* ---- WAL ---- */

/* The first and the last segment of the timeline on one side of the cutoff; false: none. */
static bool find_ends(const struct inventory_timeline *timeline, uint64_t from, uint64_t to,
                      uint64_t *first, uint64_t *last)
{
    bool found = false;
    for (size_t i = 0; i < timeline->range_count; i++) {
        const struct inventory_range *range = &timeline->ranges[i];
        if (range->last < from || range->first > to)
            continue;
        if (!found)
            *first = range->first > from ? range->first : from;
        *last = range->last < to ? range->last : to;
        found = true;
    }
    return found;
}

static void print_side(FILE *out, const struct inventory *inventory,
                       const struct inventory_timeline *timeline, const char *verb, uint64_t from,
                       uint64_t to, const struct cleaning_tally *tally)
{
    char text[LINE_SIZE];
    uint64_t first, last;
    if (!tally->segments && !tally->partials && !tally->backups)
        return;
    fprintf(out, "  timeline %" PRIu32 " %s: ", timeline->timeline, verb);
    if (find_ends(timeline, from, to, &first, &last)) {
        struct wal_name names[] = {
            wal_geometry_name(&inventory->geometry, timeline->timeline, first),
            wal_geometry_name(&inventory->geometry, timeline->timeline, last)};
        fprintf(out, first == last ? "%s, " : "%s to %s, ", names[0].text, names[1].text);
    }
    fprintf(out, "%s\n", report_tally(tally, text, sizeof text));
}

static void print_wal(FILE *out, const struct cleaning *cleaning, uint64_t cutoff)
{
    const struct inventory *inventory = &cleaning->inventory;
    fprintf(out, "WAL:\n");
    for (size_t i = 0; i < inventory->timeline_count; i++) {
        const struct inventory_timeline *timeline = &inventory->timelines[i];
        if (cutoff)
            print_side(out, inventory, timeline, "goes", 0, cutoff - 1, &cleaning->goes[i]);
        print_side(out, inventory, timeline, "stays", cutoff, UINT64_MAX, &cleaning->stays[i]);
    }
}

/* ---- standbys, and why ---- */

static void print_standbys(FILE *out, const struct cleaning *cleaning)
{
    char heard[MOMENT_SIZE];
    if (cleaning->standbys.count)
        fprintf(out, "Standbys:\n");
    for (size_t i = 0; i < cleaning->standbys.count; i++) {
        const struct standby *standby = &cleaning->standbys.list[i];
        moment_format(standby->heard, heard);
        fprintf(out, "  %s needs %s and later, as of %s\n", standby->name, standby->segment, heard);
    }
}

static void print_verdict(FILE *out, const struct cleaning *cleaning)
{
    char goes[LINE_SIZE], stays[LINE_SIZE];
    report_tally(&cleaning->all_goes, goes, sizeof goes);
    report_tally(&cleaning->all_stays, stays, sizeof stays);
    for (size_t i = 0; i < cleaning->retention.note_count; i++)
        fprintf(out, "All stays: %s.\n", cleaning->retention.notes[i]);
    if (cleaning->held_by)
        fprintf(out, "More would go, but standby %s still needs it.\n", cleaning->held_by->name);
    else if (cleaning->held_by_oldest)
        fprintf(out, "More would go, but OLDESTKEPT keeps it.\n");
    if (*cleaning->segment)
        fprintf(out, "Older than %s: %s would go; %s stay.\n", cleaning->segment + 8, goes, stays);
    else
        fprintf(out, "Nothing would go; %s stay.\n", stays);
}

void report_cleaning(FILE *out, const struct cleaning_request *request,
                     const struct cleaning *cleaning)
{
    struct wal_name name;
    uint64_t cutoff = 0;
    if (wal_name_parse(cleaning->segment, strlen(cleaning->segment), &name))
        wal_geometry_number(&cleaning->inventory.geometry, &name, &cutoff);
    print_backups(out, request, cleaning, cutoff);
    print_wal(out, cleaning, cutoff);
    print_standbys(out, cleaning);
    print_verdict(out, cleaning);
}
