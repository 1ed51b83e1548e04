/* A model of an archive for tests of retention: servers that archive, are backed up, promoted,
 * recovered to an earlier point, cloned, and lose WAL, at random; and what may go then, found out
 * from segments alone. */
#ifndef RETENTION_MODEL_H
#define RETENTION_MODEL_H

#include "retain/retention.h"

#include <stdlib.h>

enum {
    TIMELINES = 6,
    SEGMENTS = 64,
    BACKUPS = 12,
    EVENTS = 60,
    SIZE = 16 * 1024 * 1024,
    HOUR = 3600,
    DAY = 86400,
    BEGIN = 1700000000, /* seconds since 1970 */
};

/* ---- the model: a history of servers, and what is in the archive at its end ---- */

struct model_timeline {
    int parent;    /* 0: none */
    uint64_t fork; /* LSN */
    int64_t born;  /* when its history was archived */
    bool in_use;
    int next; /* the segment that its server writes */
    bool there[SEGMENTS];
    int64_t times[SEGMENTS];
    int sizes[SEGMENTS];
};

struct model_backup {
    int timeline, first, last;
    uint64_t start, stop;
    int64_t time;
};

struct model {
    int64_t clock;
    int count; /* timelines 1 to count */
    struct model_timeline timelines[TIMELINES + 1];
    int backup_count;
    struct model_backup backups[BACKUPS];
    int front; /* what is older has been removed */
};

static unsigned pick(unsigned below)
{
    return (unsigned)rand() % below;
}

static int begin_of(const struct model *model, int timeline)
{
    return model->timelines[timeline].parent ? (int)(model->timelines[timeline].fork / SIZE) : 0;
}

static void archive(struct model *model, struct model_timeline *timeline)
{
    if (timeline->next >= SEGMENTS - 1)
        return;
    int number = timeline->next++;
    timeline->there[number] = pick(30) != 0; /* else it is lost */
    timeline->times[number] = model->clock;
    timeline->sizes[number] = 1 + (int)pick(9);
}

static void back_up(struct model *model, int timeline)
{
    struct model_timeline *server = &model->timelines[timeline];
    if (model->backup_count == BACKUPS || server->next >= SEGMENTS - 4)
        return;
    struct model_backup *backup = &model->backups[model->backup_count++];
    backup->timeline = timeline;
    backup->first = server->next;
    backup->last = server->next + (int)pick(2);
    backup->start = (uint64_t)backup->first * SIZE + 40;
    backup->stop = (uint64_t)backup->last * SIZE + 4096 + pick(1 << 20);
    for (int n = backup->first; n <= backup->last; n++)
        archive(model, server);
    backup->time = model->clock;
}

/* A standby is promoted, or a server recovered to an earlier point; the old one may go on. */
static void promote(struct model *model, int parent)
{
    struct model_timeline *old = &model->timelines[parent];
    if (model->count == TIMELINES)
        return;
    int begin = begin_of(model, parent) + 1, back = pick(3) ? 0 : (int)pick(16);
    int fork = old->next - back > begin ? old->next - back : begin;
    struct model_timeline *made = &model->timelines[++model->count];
    *made = (struct model_timeline){.parent = parent, .born = model->clock, .in_use = true};
    made->fork = (uint64_t)fork * SIZE + (pick(4) ? 2097152 + pick(1 << 20) : 0);
    made->next = fork;
    old->in_use = pick(4) == 0;
}

static void happen(struct model *model)
{
    int timeline = 1 + (int)pick((unsigned)model->count);
    unsigned what = pick(24);
    model->clock += (int64_t)(1 + pick(20)) * HOUR;
    if (!model->timelines[timeline].in_use)
        return;
    if (what == 0)
        promote(model, timeline);
    else if (what < 5)
        back_up(model, timeline);
    else
        archive(model, &model->timelines[timeline]);
}

static void make_model(struct model *model)
{
    *model = (struct model){.clock = BEGIN, .count = 1};
    model->timelines[1] = (struct model_timeline){.in_use = true, .next = 1};
    for (int i = 0; i < EVENTS; i++)
        happen(model);
    model->front = pick(2) ? (int)pick(20) : 0;
    for (int t = 1; t <= model->count; t++)
        for (int n = 0; n < model->front; n++)
            model->timelines[t].there[n] = false;
    int kept = 0; /* backups are removed with the WAL, or left behind */
    for (int i = 0; i < model->backup_count; i++)
        if (model->backups[i].first >= model->front || pick(2))
            model->backups[kept++] = model->backups[i];
    model->backup_count = kept;
}

/* ---- the model's own answer, from segments alone ---- */

static int owner(const struct model *model, int timeline, int number)
{
    while (number < begin_of(model, timeline))
        timeline = model->timelines[timeline].parent;
    return timeline;
}

static bool descends(const struct model *model, int timeline, const struct model_backup *backup)
{
    for (; timeline != backup->timeline; timeline = model->timelines[timeline].parent)
        if (!model->timelines[timeline].parent ||
            (model->timelines[timeline].parent == backup->timeline &&
             model->timelines[timeline].fork < backup->stop))
            return false;
    return true;
}

static bool has_segments(const struct model *model, int timeline)
{
    for (int n = 0; n < SEGMENTS; n++)
        if (model->timelines[timeline].there[n])
            return true;
    return false;
}

/* The segment behind the last that replay reads; -1 when it does not get there at all. */
static int end_of(const struct model *model, int timeline, const struct model_backup *backup)
{
    int n = backup->first;
    if (!descends(model, timeline, backup))
        return -1;
    while (n < SEGMENTS && model->timelines[owner(model, timeline, n)].there[n])
        n++;
    if (n <= backup->last)
        return -1;
    if (!has_segments(model, timeline))
        return n >= begin_of(model, timeline) ? n : -1;
    return owner(model, timeline, n - 1) == timeline ? n : -1;
}

/* Does the backup count on the way to the timeline? */
static bool counts(const struct model *model, int timeline, const struct model_backup *backup)
{
    int end = end_of(model, timeline, backup);
    for (int i = 0; i < model->backup_count; i++)
        if (end_of(model, timeline, &model->backups[i]) > end)
            return false;
    return end >= 0;
}

/* Is the promise kept for this timeline when all below `cutoff` has gone? */
typedef bool promise(const struct model *model, int timeline, int cutoff,
                     const struct retention_rule *rule, int64_t since);

static bool has_so_many(const struct model *model, int timeline, int cutoff,
                        const struct retention_rule *rule, int64_t since)
{
    uint64_t found = 0;
    (void)since;
    for (int i = 0; i < model->backup_count; i++)
        found += model->backups[i].first >= cutoff && counts(model, timeline, &model->backups[i]);
    return found >= rule->backups;
}

static bool has_one_that_old(const struct model *model, int timeline, int cutoff,
                             const struct retention_rule *rule, int64_t since)
{
    (void)rule;
    for (int i = 0; i < model->backup_count; i++)
        if (model->backups[i].first >= cutoff && model->backups[i].time <= since &&
            counts(model, timeline, &model->backups[i]))
            return true;
    return false;
}

static bool has_any(const struct model *model, int timeline, int cutoff,
                    const struct retention_rule *rule, int64_t since)
{
    (void)rule, (void)since;
    return has_so_many(model, timeline, cutoff, &(struct retention_rule){.backups = 1}, 0);
}

/* The largest cutoff that keeps it; 0 when none does. */
static int highest(const struct model *model, int timeline, promise *keeps,
                   const struct retention_rule *rule, int64_t since)
{
    for (int cutoff = SEGMENTS; cutoff > 0; cutoff--)
        if (keeps(model, timeline, cutoff, rule, since))
            return cutoff;
    return 0;
}

static uint64_t stored_from(const struct model *model, int number)
{
    uint64_t sum = 0;
    for (int t = 1; t <= model->count; t++)
        for (int n = number; n < SEGMENTS; n++)
            sum += model->timelines[t].there[n] ? (uint64_t)model->timelines[t].sizes[n] : 0;
    return sum;
}

static int by_size(const struct model *model, const struct retention_rule *rule)
{
    if (stored_from(model, 0) <= rule->size)
        return 0;
    for (int cutoff = 0; cutoff < SEGMENTS; cutoff++)
        for (int i = 0; i < model->backup_count; i++)
            if (model->backups[i].first == cutoff && stored_from(model, cutoff) <= rule->size &&
                counts(model, model->count, &model->backups[i]))
                return cutoff;
    return highest(model, model->count, has_any, rule, 0);
}

static int64_t time_of(const struct model *model, int timeline)
{
    int64_t newest = model->timelines[timeline].born;
    for (int n = 0; n < SEGMENTS; n++)
        if (model->timelines[timeline].there[n] && model->timelines[timeline].times[n] > newest)
            newest = model->timelines[timeline].times[n];
    return newest;
}

static int64_t now_of(const struct model *model, const struct retention_rule *rule)
{
    int64_t newest = 0;
    for (int t = 1; t <= model->count; t++)
        newest = time_of(model, t) > newest ? time_of(model, t) : newest;
    for (int i = 0; i < model->backup_count; i++)
        newest = model->backups[i].time > newest ? model->backups[i].time : newest;
    return newest < rule->now ? newest : rule->now;
}

/* Has the timeline WAL that a replay to the newest does not read? */
static bool is_aside(const struct model *model, int timeline)
{
    int t = model->count;
    while (t && t != timeline)
        t = model->timelines[t].parent;
    if (!t)
        return true;
    for (int n = 0; n < SEGMENTS; n++)
        if (model->timelines[timeline].there[n] && n >= begin_of(model, timeline) &&
            owner(model, model->count, n) != timeline)
            return true;
    return false;
}

static int least(int one, int other)
{
    return one < other ? one : other;
}

static int64_t kept_since(const struct model *model, int cutoff)
{
    int64_t since = INT64_MAX;
    for (int i = 0; i < model->backup_count; i++)
        if (model->backups[i].first >= cutoff && model->backups[i].time < since &&
            counts(model, model->count, &model->backups[i]))
            since = model->backups[i].time;
    return since;
}

/* -1: it must be refused. */
static int model_cutoff(const struct model *model, const struct retention_rule *rule)
{
    int newest = model->count, cutoff = SEGMENTS;
    int64_t since = now_of(model, rule) - (int64_t)rule->days * DAY;
    if (!highest(model, newest, has_any, rule, 0))
        return -1;
    if (rule->backups)
        cutoff = least(cutoff, highest(model, newest, has_so_many, rule, 0));
    if (rule->days)
        cutoff = least(cutoff, highest(model, newest, has_one_that_old, rule, since));
    if (rule->size)
        cutoff = least(cutoff, by_size(model, rule));
    int64_t kept = kept_since(model, cutoff);
    for (int t = 1; t <= model->count; t++) {
        int any = highest(model, t, has_any, rule, 0);
        if (!is_aside(model, t) || any == 0)
            continue;
        if (rule->days && time_of(model, t) >= since)
            cutoff = least(cutoff, highest(model, t, has_one_that_old, rule, since));
        if (time_of(model, t) >= kept)
            cutoff = least(cutoff, any);
    }
    return cutoff;
}

#endif
