/* Which base backups are kept and what may go, against a model, over thousands of random histories.
 * One of them alone: its seed as the argument. */
#include "retain/retention.h"
#include "retention_model.h"
#include "tap.h"

#include <stdlib.h>

enum { ROUNDS = 8000 };

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

static void make_timeline(const struct model *model, int timeline, struct inventory_timeline *made)
{
    const struct model_timeline *from = &model->timelines[timeline];
    *made = (struct inventory_timeline){.timeline = (uint32_t)timeline,
                                        .history_time = from->born,
                                        .newest = time_of(model, timeline)};
    made->ranges = calloc(SEGMENTS, sizeof *made->ranges);
    made->ancestors = calloc(TIMELINES, sizeof *made->ancestors);
    add_ancestors(model, timeline, made);
    if (timeline > 1)
        snprintf(made->history.text, sizeof made->history.text, "%08X.history", timeline);
    for (int n = 0; n < SEGMENTS; n++) {
        if (!from->there[n])
            continue;
        if (n == 0 || !from->there[n - 1])
            made->ranges[made->range_count++] = (struct inventory_range){.first = (uint64_t)n};
        made->ranges[made->range_count - 1].last = (uint64_t)n;
    }
}

static int compare(const void *a, const void *b)
{
    const struct inventory_backup *one = a, *other = b;
    return (one->first > other->first) - (one->first < other->first);
}

static void make_inventory(const struct model *model, struct inventory *inventory)
{
    *inventory = (struct inventory){.has_geometry = true, .geometry = {SIZE, false}};
    inventory->timelines = calloc(TIMELINES, sizeof *inventory->timelines);
    inventory->backups = calloc(BACKUPS, sizeof *inventory->backups);
    for (int t = 1; t <= model->count; t++)
        make_timeline(model, t, &inventory->timelines[inventory->timeline_count++]);
    for (int i = 0; i < model->backup_count; i++) {
        const struct model_backup *from = &model->backups[i];
        uint32_t timeline = (uint32_t)from->timeline;
        inventory->backups[inventory->backup_count++] = (struct inventory_backup){
            .time = from->time,
            .content = {from->start, from->stop, timeline, timeline, "", "", ""},
            .first = (uint64_t)from->first,
            .last = (uint64_t)from->last};
    }
    qsort(inventory->backups, inventory->backup_count, sizeof *inventory->backups, compare);
}

/* ---- one against the other ---- */

static void make_rule(const struct model *model, struct retention_rule *rule)
{
    unsigned which = 1 + pick(7);
    *rule =
        (struct retention_rule){.now = model->clock + (pick(4) ? (int64_t)pick(HOUR) : DAY * 900)};
    if (which & 1)
        rule->backups = 1 + pick(4);
    if (which & 2)
        rule->days = 1 + pick(30);
    if (which & 4)
        rule->size = 1 + pick(300);
    rule->stored = stored_from(model, 0);
}

/* Nothing that a kept backup needs until now lies below the cutoff, on no timeline that descends
 * from it: segment by segment. */
static bool is_all_there(const struct model *model, const struct retention *retention,
                         const struct inventory *inventory)
{
    for (int t = 1; t <= model->count; t++)
        for (size_t i = 0; i < inventory->backup_count; i++) {
            if (!retention->backups[i].reasons)
                continue;
            const struct model_backup backup = {(int)inventory->backups[i].content.stop_timeline,
                                                (int)inventory->backups[i].first,
                                                0,
                                                0,
                                                inventory->backups[i].content.stop,
                                                0};
            for (int n = backup.first; descends(model, t, &backup) && n < SEGMENTS; n++)
                if (model->timelines[owner(model, t, n)].there[n] &&
                    (uint64_t)n < retention->cutoff)
                    return false;
        }
    return true;
}

struct seen {
    int differ, lost, refused, all, some;
};

static void compare_one(unsigned seed, struct seen *seen)
{
    struct model model;
    struct inventory inventory;
    struct retention_rule rule;
    struct retention retention;
    struct error error = {.class = ERROR_NONE};
    uint64_t sizes[BACKUPS];
    srand(seed);
    make_model(&model);
    make_inventory(&model, &inventory);
    make_rule(&model, &rule);
    for (size_t i = 0; i < inventory.backup_count; i++)
        sizes[i] = stored_from(&model, (int)inventory.backups[i].first);
    rule.stored_from = sizes;
    int expected = model_cutoff(&model, &rule);
    int result = retention_decide(&inventory, &rule, &retention, &error);
    int got = result ? -1 : (int)retention.cutoff;
    if (got != expected && !seen->differ++)
        printf("# seed %u: cutoff %d, by the model %d; %s\n", seed, got, expected,
               result ? error.message : "");
    seen->lost += result == 0 && !is_all_there(&model, &retention, &inventory);
    seen->refused += got < 0;
    seen->all += got == 0;
    seen->some += got > 0;
    retention_free(&retention);
    inventory_free(&inventory);
}

int main(int argc, char **argv)
{
    struct seen seen = {.differ = 0};
    if (argc > 1) {
        compare_one((unsigned)strtoul(argv[1], NULL, 10), &seen);
        return seen.differ;
    }
    for (unsigned seed = 0; seed < ROUNDS; seed++)
        compare_one(seed, &seen);
    ok(seen.differ == 0, "what goes is what the model lets go, in %d histories (%d differ)", ROUNDS,
       seen.differ);
    ok(seen.lost == 0, "and nothing that a kept backup needs, on any timeline");
    ok(seen.refused > ROUNDS / 50 && seen.all > ROUNDS / 10 && seen.some > ROUNDS / 5,
       "%d were refused, all stayed in %d, something went in %d", seen.refused, seen.all,
       seen.some);
    return done_testing();
}
