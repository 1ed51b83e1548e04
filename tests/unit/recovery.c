/* Gaps and what can be recovered, against a model that goes segment by segment, over thousands of
 * random histories; and numbers of segments. */
#include "survey/gaps.h"
#include "survey/recovery.h"
#include "base/error.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>

enum {
    TIMELINES = 6,
    SEGMENTS = 48,
    BACKUPS = 4,
    ROUNDS = 5000,
    SIZE = 16 * 1024 * 1024,
};

/* ---- the model: what is there, segment by segment ---- */

struct model_timeline {
    int parent;    /* 0: none */
    uint64_t fork; /* LSN */
    bool there[SEGMENTS];
    bool partial; /* of the segment behind the last that is there */
};

struct model {
    int count; /* timelines 1 to count */
    struct model_timeline timelines[TIMELINES + 1];
    int backup_count;
    struct {
        int timeline;
        uint64_t start, stop;
    } backups[BACKUPS];
};

static unsigned pick(unsigned below)
{
    return (unsigned)rand() % below;
}

static uint64_t begin_of(const struct model *model, int timeline)
{
    return model->timelines[timeline].parent ? model->timelines[timeline].fork / SIZE : 0;
}

/* Whose file of the segment a replay to the timeline reads. */
static int owner(const struct model *model, int timeline, uint64_t number)
{
    while (number < begin_of(model, timeline))
        timeline = model->timelines[timeline].parent;
    return timeline;
}

static bool is_there(const struct model *model, int target, uint64_t number)
{
    return model->timelines[owner(model, target, number)].there[number];
}

static int last_there(const struct model *model, int timeline)
{
    for (int n = SEGMENTS - 1; n >= 0; n--)
        if (model->timelines[timeline].there[n])
            return n;
    return -1;
}

static void make_timeline(struct model *model, int timeline)
{
    struct model_timeline *made = &model->timelines[timeline];
    *made = (struct model_timeline){.parent =
                                        timeline == 1 ? 0 : 1 + (int)pick((unsigned)timeline - 1)};
    uint64_t first = begin_of(model, made->parent ? made->parent : timeline);
    if (made->parent) {
        uint64_t offset = pick(3) ? pick(SIZE) & ~7U : 0;
        made->fork = (first + 1 + pick(7)) * SIZE + offset;
        first = made->fork / SIZE;
    } else {
        first = 1;
    }
    uint64_t length = pick(4) ? pick(SEGMENTS) : 0, missing = pick(3) ? 0 : 1 + pick(6);
    for (uint64_t n = first; n < SEGMENTS - 1 && n < first + length; n++)
        made->there[n] = true;
    for (uint64_t i = 0; i < missing; i++)
        made->there[first + pick(SEGMENTS - (unsigned)first)] = false;
    if (pick(8) == 0)
        made->there[first - 1] = true; /* a stray one, from before the timeline began */
    made->partial = last_there(model, timeline) >= 0 && pick(3) == 0;
}

/* As retention leaves it: nothing below a segment, on no timeline. */
static void remove_front(struct model *model)
{
    int from = pick(2) ? (int)pick(SEGMENTS / 2) : 0;
    for (int t = 1; t <= model->count; t++)
        for (int n = 0; n < from; n++)
            model->timelines[t].there[n] = false;
}

static void make_backup(struct model *model)
{
    int timeline = 1 + (int)pick((unsigned)model->count);
    uint64_t start = begin_of(model, timeline) + 1 + pick(10);
    if (start + 4 >= SEGMENTS)
        return;
    uint64_t stop = (start + pick(3)) * SIZE + (pick(4) ? 4096 : SIZE);
    model->backups[model->backup_count].timeline = timeline;
    model->backups[model->backup_count].start = start * SIZE + 40;
    model->backups[model->backup_count++].stop = stop;
}

static void make_model(struct model *model)
{
    *model = (struct model){.count = 1 + (int)pick(TIMELINES)};
    for (int t = 1; t <= model->count; t++)
        make_timeline(model, t);
    remove_front(model);
    for (int t = 1; t <= model->count; t++)
        model->timelines[t].partial &= last_there(model, t) >= 0;
    for (unsigned i = pick(BACKUPS + 1); i > 0; i--)
        make_backup(model);
}

/* ---- the same as an inventory ---- */

static void add_ancestors(const struct model *model, int timeline, struct inventory_timeline *made)
{
    int parent = model->timelines[timeline].parent;
    if (!parent)
        return;
    add_ancestors(model, parent, made);
    made->ancestors[made->ancestor_count++] =
        (struct wal_ancestor){(uint32_t)parent, model->timelines[timeline].fork};
}

static void add_ranges(const struct model_timeline *model, struct inventory_timeline *made)
{
    for (int n = 0; n < SEGMENTS; n++) {
        if (!model->there[n])
            continue;
        if (n == 0 || !model->there[n - 1])
            made->ranges[made->range_count++] =
                (struct inventory_range){.first = (uint64_t)n, .first_time = 1000 + n};
        made->ranges[made->range_count - 1].last = (uint64_t)n;
    }
}

static void make_inventory(const struct model *model, struct inventory *inventory)
{
    *inventory = (struct inventory){.has_geometry = true, .geometry = {SIZE, false}};
    inventory->timelines = calloc(TIMELINES, sizeof *inventory->timelines);
    inventory->backups = calloc(BACKUPS, sizeof *inventory->backups);
    for (int t = 1; t <= model->count; t++) {
        struct inventory_timeline *made = &inventory->timelines[inventory->timeline_count++];
        made->timeline = (uint32_t)t;
        made->ranges = calloc(SEGMENTS, sizeof *made->ranges);
        made->partials = calloc(1, sizeof *made->partials);
        made->ancestors = calloc(TIMELINES, sizeof *made->ancestors);
        add_ranges(&model->timelines[t], made);
        add_ancestors(model, t, made);
        snprintf(made->history.text, sizeof made->history.text, "%08X.history", (unsigned)t);
        if (model->timelines[t].partial)
            made->partials[made->partial_count++].number = (uint64_t)last_there(model, t) + 1;
    }
    for (int i = 0; i < model->backup_count; i++) {
        struct inventory_backup *made = &inventory->backups[inventory->backup_count++];
        uint32_t timeline = (uint32_t)model->backups[i].timeline;
        made->content = (struct wal_backup){.start = model->backups[i].start,
                                            .stop = model->backups[i].stop,
                                            .start_timeline = timeline,
                                            .stop_timeline = timeline};
        made->first = made->content.start / SIZE;
        made->last = (made->content.stop - 1) / SIZE;
    }
}

/* ---- gaps ---- */

/* Marks what is missing between the first and the last that is there on the way to the target. */
static void miss_on_way(const struct model *model, int target,
                        bool missing[TIMELINES + 1][SEGMENTS])
{
    int first = -1, last = -1;
    for (int n = 0; n < SEGMENTS; n++)
        if (is_there(model, target, (uint64_t)n)) {
            first = first < 0 ? n : first;
            last = n;
        }
    int partial = last_there(model, target) + 1;
    if (model->timelines[target].partial && partial > last &&
        owner(model, target, (uint64_t)partial) == target)
        last = partial - 1;
    for (int n = first; first >= 0 && n <= last; n++)
        if (!is_there(model, target, (uint64_t)n))
            missing[owner(model, target, (uint64_t)n)][n] = true;
}

static void miss_within(const struct model_timeline *timeline, bool *missing)
{
    int last = -1;
    for (int n = 0; n < SEGMENTS; n++) {
        if (!timeline->there[n])
            continue;
        for (int hole = last + 1; last >= 0 && hole < n; hole++)
            missing[hole] = true;
        last = n;
    }
}

static bool same_gaps(const struct model *model, const struct gaps *gaps)
{
    bool missing[TIMELINES + 1][SEGMENTS] = {{false}}, told[TIMELINES + 1][SEGMENTS] = {{false}};
    for (int t = 1; t <= model->count; t++) {
        miss_within(&model->timelines[t], missing[t]);
        if (last_there(model, t) >= 0)
            miss_on_way(model, t, missing);
    }
    for (size_t i = 0; i < gaps->count; i++) {
        if (gaps->list[i].first > gaps->list[i].last)
            return false;
        for (uint64_t n = gaps->list[i].first; n <= gaps->list[i].last; n++) {
            if (n >= SEGMENTS || told[gaps->list[i].timeline][n])
                return false;
            told[gaps->list[i].timeline][n] = true;
        }
    }
    return memcmp(missing, told, sizeof missing) == 0;
}

/* ---- recoveries ---- */

static bool descends(const struct model *model, int timeline, int from, uint64_t stop)
{
    while (timeline != from) {
        int parent = model->timelines[timeline].parent;
        if (!parent)
            return false;
        if (parent == from && model->timelines[timeline].fork < stop)
            return false;
        timeline = parent;
    }
    return true;
}

static const struct recovery *find(const struct recoveries *recoveries,
                                   const struct inventory_backup *backup, int timeline)
{
    for (size_t i = 0; i < recoveries->count; i++)
        if (recoveries->list[i].backup == backup &&
            recoveries->list[i].timeline == (uint32_t)timeline)
            return &recoveries->list[i];
    return NULL;
}

static bool same_recovery(const struct model *model, const struct inventory_backup *backup,
                          int target, const struct recovery *told)
{
    int from = (int)backup->content.stop_timeline;
    if (!descends(model, target, from, backup->content.stop))
        return !told;
    uint64_t next = backup->first;
    while (next < SEGMENTS && is_there(model, target, next))
        next++;
    bool consistent = next > backup->last, behind = false;
    for (uint64_t n = next; n < SEGMENTS; n++)
        behind |= is_there(model, target, n);
    bool reached = consistent && owner(model, target, next - 1) == target;
    if (target != from && !reached)
        return !told;
    return told && told->last == next - 1 && told->consistent == consistent &&
           told->goes_on == behind;
}

static bool same_recoveries(const struct model *model, const struct inventory *inventory,
                            const struct recoveries *recoveries)
{
    for (size_t i = 0; i < inventory->backup_count; i++)
        for (int t = 1; t <= model->count; t++) {
            const struct inventory_backup *backup = &inventory->backups[i];
            if (!same_recovery(model, backup, t, find(recoveries, backup, t)))
                return false;
        }
    return true;
}

static void against_the_model(void)
{
    int gaps_differ = 0, recoveries_differ = 0;
    size_t gaps_seen = 0, recoveries_seen = 0;
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct model model;
        struct inventory inventory;
        struct gaps gaps;
        struct recoveries recoveries;
        struct error error;
        srand(round);
        make_model(&model);
        make_inventory(&model, &inventory);
        if (gaps_find(&inventory, &gaps, &error) || !same_gaps(&model, &gaps)) {
            if (!gaps_differ++)
                printf("# gaps differ, first with seed %u\n", round);
        }
        if (recoveries_find(&inventory, &recoveries, &error) ||
            !same_recoveries(&model, &inventory, &recoveries)) {
            if (!recoveries_differ++)
                printf("# recoveries differ, first with seed %u\n", round);
        }
        gaps_seen += gaps.count;
        recoveries_seen += recoveries.count;
        gaps_free(&gaps);
        recoveries_free(&recoveries);
        inventory_free(&inventory);
    }
    ok(gaps_differ == 0, "gaps are those of the model, in %d histories", ROUNDS);
    ok(recoveries_differ == 0, "what can be recovered is what the model recovers");
    ok(gaps_seen > ROUNDS / 4 && recoveries_seen > ROUNDS, "there were %zu gaps, %zu recoveries",
       gaps_seen, recoveries_seen);
}

/* ---- numbers ---- */

static uint64_t number_of(const struct wal_geometry *geometry, const char *text)
{
    struct wal_name name;
    uint64_t number = UINT64_MAX;
    if (!wal_name_parse(text, strlen(text), &name) ||
        !wal_geometry_number(geometry, &name, &number))
        return UINT64_MAX;
    return number;
}

static void numbers(void)
{
    const struct wal_geometry usual = {SIZE, false}, old = {SIZE, true}, small = {1 << 20, false};
    ok(number_of(&usual, "000000010000000000000001") == 1, "16 MB: the first segment");
    ok(number_of(&usual, "0000000300000001000000FF") == 511, "timelines don't count");
    ok(number_of(&usual, "000000010000000000000100") == UINT64_MAX, "no segment above FF");
    ok(number_of(&small, "000000010000000100000FFF") == 8191, "1 MB: up to FFF");
    ok(number_of(&old, "0000000100000001000000FE") == 2 * 255 - 1 &&
           number_of(&old, "000000010000000200000000") == 2 * 255,
       "up to 9.2 FE is followed by 00");
    ok(number_of(&old, "0000000100000000000000FF") == UINT64_MAX, "and FF is none");
    ok(wal_geometry_number_at(&usual, UINT64_C(0x16B374D848)) == 0x16B3, "an LSN's segment");
    ok(wal_geometry_address(&usual, 0x16B3) == UINT64_C(0x16B3000000), "and back");
    ok(wal_geometry_address(&old, 255) == UINT64_C(0x100000000), "up to 9.2, too");
    struct wal_name name = wal_geometry_name(&usual, 3, 511);
    ok(strcmp(name.text, "0000000300000001000000FF") == 0, "a name");
}

int main(void)
{
    numbers();
    against_the_model();
    return done_testing();
}
