#include "retain/retention.h"
#include "survey/recovery.h"
#include "survey/way.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DAY = 86400 };

/* The backups from which a timeline is reached, oldest first. */
struct line {
    const struct inventory_timeline *target;
    size_t *members; /* indices of backups */
    size_t count;
    uint64_t end; /* the last segment that is reached from them */
    bool goes_on;
};

struct decision {
    const struct inventory *inventory;
    const struct retention_rule *rule;
    struct retention *retention;
    int64_t since; /* where the days begin */
};

/* ---- what must be known ---- */

static int check_history(const struct inventory_timeline *timeline, struct error *error)
{
    uint32_t number = timeline->timeline;
    if (timeline->history_problem.class != ERROR_NONE)
        return error_set(error, ERROR_REFUSED,
                         "the history of timeline %" PRIu32 " can't be read (%s: %s), so it can't "
                         "be told what is needed for it; nothing was removed: replace %s by a "
                         "server's own %08" PRIX32 ".history",
                         number, timeline->history.text, timeline->history_problem.message,
                         timeline->history.text, number);
    if (number == 1 || *timeline->history.text)
        return 0;
    return error_set(error, ERROR_REFUSED,
                     "the history of timeline %" PRIu32 " is not in the archive, so it can't be "
                     "told what is needed for it; nothing was removed: push %08" PRIX32
                     ".history from a server's pg_wal, or move away what there is of the timeline",
                     number, number);
}

static int check_backup(const struct inventory_backup *backup, struct error *error)
{
    if (backup->problem.class == ERROR_NONE)
        return 0;
    return error_set(error, ERROR_REFUSED,
                     "the backup history file %s can't be read (%s), so it can't be told what its "
                     "backup needs; nothing was removed: remove that file if the backup is not "
                     "needed any more",
                     backup->key.text, backup->problem.message);
}

static int check_known(const struct inventory *inventory, struct error *error)
{
    for (size_t i = 0; i < inventory->timeline_count; i++)
        if (check_history(&inventory->timelines[i], error))
            return -1;
    for (size_t i = 0; i < inventory->backup_count; i++)
        if (check_backup(&inventory->backups[i], error))
            return -1;
    if (inventory->backup_count)
        return 0;
    return error_set(error, ERROR_REFUSED,
                     "the archive knows of no base backup (there is no .backup file in it), so it "
                     "can't be told what is needed; nothing was removed: take a base backup, or "
                     "say only OLDESTKEPT");
}

/* ---- lines ---- */

/* A timeline that has just begun has no segment yet: then it is reached where it forked off. */
static bool is_reached(const struct inventory *inventory, const struct inventory_timeline *target,
                       const struct recovery *recovery)
{
    uint64_t begin = way_piece(inventory, target, target->ancestor_count).first;
    bool there = target->range_count ? recovery->last_timeline == target->timeline
                                     : recovery->last + 1 >= begin;
    return recovery->consistent && there;
}

/* Two passes: how far it can be got at all, and from where. */
static int find_line(const struct inventory *inventory, const struct inventory_timeline *target,
                     struct line *line, struct error *error)
{
    struct recovery recovery;
    *line = (struct line){.target = target};
    line->members = calloc(inventory->backup_count, sizeof *line->members);
    if (!line->members)
        return error_memory(error);
    for (size_t i = 0; i < inventory->backup_count; i++)
        if (recovery_towards(inventory, &inventory->backups[i], target, &recovery) &&
            is_reached(inventory, target, &recovery) && recovery.last >= line->end) {
            line->end = recovery.last;
            line->goes_on = recovery.goes_on;
        }
    for (size_t i = 0; i < inventory->backup_count; i++)
        if (recovery_towards(inventory, &inventory->backups[i], target, &recovery) &&
            is_reached(inventory, target, &recovery) && recovery.last == line->end)
            line->members[line->count++] = i;
    return 0;
}

static bool is_consistent(const struct inventory *inventory, const struct inventory_backup *backup)
{
    struct recovery recovery;
    const struct inventory_timeline *own = inventory_find(inventory, backup->content.stop_timeline);
    return own && recovery_towards(inventory, backup, own, &recovery) && recovery.consistent;
}

static enum retention_standing standing_of(const struct inventory *inventory,
                                           const struct inventory_timeline *newest,
                                           const struct inventory_backup *backup)
{
    struct recovery recovery;
    if (!is_consistent(inventory, backup))
        return RETENTION_INCONSISTENT;
    return recovery_towards(inventory, backup, newest, &recovery) ? RETENTION_CUT_OFF
                                                                  : RETENTION_BRANCH;
}

static void note_standings(const struct inventory *inventory, const struct line *line,
                           struct retention *retention)
{
    for (size_t i = 0; i < inventory->backup_count; i++)
        retention->backups[i].standing =
            standing_of(inventory, line->target, &inventory->backups[i]);
    for (size_t i = 0; i < line->count; i++)
        retention->backups[line->members[i]].standing = RETENTION_COUNTS;
}

/* The newest backup that leads there tells what is missing. */
static int refuse_unreached(const struct inventory *inventory,
                            const struct inventory_timeline *newest, struct error *error)
{
    struct recovery recovery;
    for (size_t i = inventory->backup_count; i > 0; i--) {
        if (!recovery_towards(inventory, &inventory->backups[i - 1], newest, &recovery))
            continue;
        uint64_t next = recovery.last + 1;
        struct wal_name missing = wal_geometry_name(
            &inventory->geometry, recovery_timeline_at(inventory, newest, next), next);
        return error_set(error, ERROR_REFUSED,
                         "no base backup leads to the WAL of timeline %" PRIu32 ": %s is missing, "
                         "which the newest needs; nothing was removed: take a base backup",
                         newest->timeline, missing.text);
    }
    return error_set(error, ERROR_REFUSED,
                     "no base backup leads to timeline %" PRIu32 ", the newest; nothing was "
                     "removed: take a base backup of it",
                     newest->timeline);
}

/* ---- what the rule keeps ---- */

static void lower(struct retention *retention, uint64_t number)
{
    if (number < retention->cutoff)
        retention->cutoff = number;
}

__attribute__((format(printf, 2, 3))) static void keep_all(struct retention *retention,
                                                           const char *format, ...)
{
    va_list args;
    retention->cutoff = 0;
    if (retention->note_count == RETENTION_NOTES)
        return;
    va_start(args, format);
    vsnprintf(retention->notes[retention->note_count++], RETENTION_NOTE_SIZE, format, args);
    va_end(args);
}

/* The line's backups from its `first` on. */
static void keep_from(const struct decision *decision, const struct line *line, size_t first,
                      unsigned reason)
{
    for (size_t i = first; i < line->count; i++)
        decision->retention->backups[line->members[i]].reasons |= reason;
    lower(decision->retention, decision->inventory->backups[line->members[first]].first);
}

static void keep_backups(const struct decision *decision, const struct line *line)
{
    uint64_t wanted = decision->rule->backups;
    if (wanted == 0)
        return;
    if (line->count < wanted)
        keep_all(decision->retention, "there are fewer than %" PRIu64 " base backups that count",
                 wanted);
    keep_from(decision, line, line->count < wanted ? 0 : line->count - (size_t)wanted,
              RETENTION_BACKUPS);
}

static void keep_days(const struct decision *decision, const struct line *line)
{
    uint64_t days = decision->rule->days;
    size_t first = line->count;
    if (days == 0)
        return;
    for (size_t i = 0; i < line->count; i++) {
        int64_t time = decision->inventory->backups[line->members[i]].time;
        if (time && time <= decision->since)
            first = i;
    }
    if (first == line->count)
        keep_all(decision->retention,
                 "no base backup of timeline %" PRIu32 " is older than %" PRIu64 " day%s",
                 line->target->timeline, days, days == 1 ? "" : "s");
    keep_from(decision, line, first == line->count ? 0 : first, RETENTION_DAYS);
}

static void keep_size(const struct decision *decision, const struct line *line)
{
    const struct retention_rule *rule = decision->rule;
    char size[32];
    if (rule->size == 0)
        return;
    size_t first = 0;
    while (first < line->count && rule->stored_from[line->members[first]] > rule->size)
        first++;
    snprintf(size, sizeof size, "%" PRIu64, rule->size);
    if (rule->stored <= rule->size)
        keep_all(decision->retention, "all fits into %s bytes", size);
    if (first < line->count)
        keep_from(decision, line, first, RETENTION_SIZE);
    else
        keep_from(decision, line, first - 1, RETENTION_ALONE);
}

/* ---- other lines ---- */

static int64_t later(int64_t one, int64_t other)
{
    return one > other ? one : other;
}

static int64_t time_of(const struct inventory_timeline *timeline)
{
    return later(timeline->newest, timeline->history_time);
}

static int64_t newest_time(const struct inventory *inventory)
{
    int64_t newest = 0;
    for (size_t i = 0; i < inventory->timeline_count; i++)
        newest = later(newest, time_of(&inventory->timelines[i]));
    for (size_t i = 0; i < inventory->backup_count; i++)
        newest = later(newest, inventory->backups[i].time);
    return newest;
}

/* When the oldest kept backup was archived; 0 when that is not known of one. */
static int64_t kept_since(const struct decision *decision)
{
    int64_t since = INT64_MAX;
    for (size_t i = 0; i < decision->inventory->backup_count; i++) {
        int64_t time = decision->inventory->backups[i].time;
        if (decision->retention->backups[i].reasons && time < since)
            since = time;
    }
    return since;
}

static uint64_t last_number(const struct inventory_timeline *timeline)
{
    uint64_t last = timeline->range_count ? timeline->ranges[timeline->range_count - 1].last : 0;
    if (timeline->partial_count && timeline->partials[timeline->partial_count - 1].number > last)
        last = timeline->partials[timeline->partial_count - 1].number;
    return last;
}

/* Is it no more than a part of the way to the newest? A partial in the fork's segment is what every
 * promotion leaves. */
static bool is_on_way(const struct inventory *inventory, const struct inventory_timeline *newest,
                      const struct inventory_timeline *timeline)
{
    for (size_t i = 0; i < newest->ancestor_count; i++)
        if (newest->ancestors[i].timeline == timeline->timeline) {
            struct way_piece piece = way_piece(inventory, newest, i);
            return last_number(timeline) <= piece.last + 1 &&
                   !inventory_range(timeline, piece.last + 1);
        }
    return timeline == newest;
}

static bool has_one_that_stays(const struct decision *decision, const struct line *line)
{
    return decision->inventory->backups[line->members[line->count - 1]].first >=
           decision->retention->cutoff;
}

static int keep_other(const struct decision *decision, const struct inventory_timeline *timeline,
                      int64_t since, struct error *error)
{
    struct line line;
    int64_t time = time_of(timeline);
    if (find_line(decision->inventory, timeline, &line, error)) {
        free(line.members);
        return -1;
    }
    if (line.count && decision->rule->days && time >= decision->since)
        keep_days(decision, &line);
    if (line.count && time >= since && !has_one_that_stays(decision, &line))
        keep_from(decision, &line, line.count - 1, RETENTION_OTHER_LINE);
    free(line.members);
    return 0;
}

static int keep_others(const struct decision *decision, const struct inventory_timeline *newest,
                       struct error *error)
{
    const struct inventory *inventory = decision->inventory;
    int64_t since = kept_since(decision);
    for (size_t i = inventory->timeline_count; i > 0; i--) {
        const struct inventory_timeline *timeline = &inventory->timelines[i - 1];
        if (!is_on_way(inventory, newest, timeline) && keep_other(decision, timeline, since, error))
            return -1;
    }
    return 0;
}

/* ---- all of it ---- */

static int decide(const struct decision *decision, const struct line *line, struct error *error)
{
    struct retention *retention = decision->retention;
    if (line->count == 0)
        return refuse_unreached(decision->inventory, line->target, error);
    note_standings(decision->inventory, line, retention);
    retention->newest = line->target->timeline;
    retention->end = line->end;
    retention->goes_on = line->goes_on;
    retention->cutoff = UINT64_MAX;
    keep_backups(decision, line);
    keep_days(decision, line);
    keep_size(decision, line);
    return keep_others(decision, line->target, error);
}

int retention_decide(const struct inventory *inventory, const struct retention_rule *rule,
                     struct retention *retention, struct error *error)
{
    int64_t newest = newest_time(inventory),
            now = newest && newest < rule->now ? newest : rule->now;
    const struct decision decision = {inventory, rule, retention, now - (int64_t)rule->days * DAY};
    struct line line = {.members = NULL};
    *retention = (struct retention){.cutoff = 0};
    if (check_known(inventory, error))
        return -1;
    retention->backups = calloc(inventory->backup_count, sizeof *retention->backups);
    if (!retention->backups)
        return error_memory(error);
    const struct inventory_timeline *target = &inventory->timelines[inventory->timeline_count - 1];
    int result = find_line(inventory, target, &line, error);
    if (result == 0)
        result = decide(&decision, &line, error);
    free(line.members);
    return result;
}

void retention_free(struct retention *retention)
{
    free(retention->backups);
    *retention = (struct retention){.cutoff = 0};
}
