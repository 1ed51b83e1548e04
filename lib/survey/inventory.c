#include "survey/inventory.h"
#include "base/array.h"

#include <stdlib.h>
#include <string.h>

enum { HOUR = 3600 };

struct survey {
    struct inventory *inventory;
    struct selection selection;
    uint64_t seen; /* WAL files, selected or not */
};

/* ---- timelines ---- */

static int insert(struct inventory *inventory, size_t at, uint32_t number, struct error *error)
{
    void *more = array_reserve(inventory->timelines, inventory->timeline_count,
                               &inventory->timeline_room, sizeof *inventory->timelines, error);
    if (!more)
        return -1;
    inventory->timelines = more;
    struct inventory_timeline *timeline = &inventory->timelines[at];
    memmove(timeline + 1, timeline, (inventory->timeline_count - at) * sizeof *timeline);
    *timeline = (struct inventory_timeline){.timeline = number};
    inventory->timeline_count++;
    return 0;
}

/* Names come in order, so it is nearly always the last one, or behind it. */
static struct inventory_timeline *make_timeline(struct inventory *inventory, uint32_t number,
                                                struct error *error)
{
    size_t at = inventory->timeline_count;
    while (at > 0 && inventory->timelines[at - 1].timeline > number)
        at--;
    if (at > 0 && inventory->timelines[at - 1].timeline == number)
        return &inventory->timelines[at - 1];
    return insert(inventory, at, number, error) ? NULL : &inventory->timelines[at];
}

/* ---- times and sizes ---- */

static void widen(int64_t *oldest, int64_t *newest, int64_t time)
{
    if (!*oldest || time < *oldest)
        *oldest = time;
    if (time > *newest)
        *newest = time;
}

static int insert_hour(struct inventory_timeline *timeline, size_t at, int64_t hour,
                       struct error *error)
{
    void *more = array_reserve(timeline->hours, timeline->hour_count, &timeline->hour_room,
                               sizeof *timeline->hours, error);
    if (!more)
        return -1;
    timeline->hours = more;
    struct inventory_hour *place = &timeline->hours[at];
    memmove(place + 1, place, (timeline->hour_count - at) * sizeof *place);
    *place = (struct inventory_hour){.hour = hour};
    timeline->hour_count++;
    return 0;
}

/* Where the hour is or belongs: nearly always at the end. */
static size_t find_hour(const struct inventory_timeline *timeline, int64_t hour)
{
    size_t low = 0, high = timeline->hour_count;
    if (high > 0 && timeline->hours[high - 1].hour < hour)
        return high;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (timeline->hours[middle].hour < hour)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int count(struct inventory_timeline *timeline, const struct scan_object *object,
                 struct error *error)
{
    int64_t hour = object->time / HOUR;
    timeline->stored += object->size;
    widen(&timeline->oldest, &timeline->newest, object->time);
    if (!object->time)
        return 0;
    size_t at = find_hour(timeline, hour);
    bool is_there = at < timeline->hour_count && timeline->hours[at].hour == hour;
    if (!is_there && insert_hour(timeline, at, hour, error))
        return -1;
    timeline->hours[at].segments++;
    timeline->hours[at].stored += object->size;
    return 0;
}

/* ---- objects, in order of their names ---- */

static int add_range(struct inventory_timeline *timeline, uint64_t number,
                     const struct scan_object *object, struct error *error)
{
    void *more = array_reserve(timeline->ranges, timeline->range_count, &timeline->range_room,
                               sizeof *timeline->ranges, error);
    if (!more)
        return -1;
    timeline->ranges = more;
    timeline->ranges[timeline->range_count++] =
        (struct inventory_range){.first = number, .last = number, .first_time = object->time};
    return 0;
}

static int add_segment(struct inventory_timeline *timeline, uint64_t number,
                       const struct scan_object *object, struct error *error)
{
    struct inventory_range *last =
        timeline->range_count ? &timeline->ranges[timeline->range_count - 1] : NULL;
    if (last && number <= last->last) {
        timeline->copies++;
    } else {
        timeline->segments++;
        if (last && number == last->last + 1)
            last->last = number;
        else if (add_range(timeline, number, object, error))
            return -1;
    }
    last = &timeline->ranges[timeline->range_count - 1];
    last->stored += object->size;
    widen(&last->oldest, &last->newest, object->time);
    return count(timeline, object, error);
}

static int add_partial(struct inventory_timeline *timeline, uint64_t number,
                       const struct scan_object *object, struct error *error)
{
    void *more = array_reserve(timeline->partials, timeline->partial_count, &timeline->partial_room,
                               sizeof *timeline->partials, error);
    if (!more)
        return -1;
    timeline->partials = more;
    timeline->partials[timeline->partial_count++] =
        (struct inventory_partial){number, object->key, object->size, object->time};
    return count(timeline, object, error);
}

static int add_backup(struct inventory *inventory, uint64_t number,
                      const struct scan_object *object, struct error *error)
{
    size_t last = inventory->backup_count;
    if (last && strcmp(inventory->backups[last - 1].name.text, object->object.name.text) == 0)
        return 0; /* in another coding */
    void *more = array_reserve(inventory->backups, inventory->backup_count, &inventory->backup_room,
                               sizeof *inventory->backups, error);
    if (!more)
        return -1;
    inventory->backups = more;
    inventory->backups[inventory->backup_count++] =
        (struct inventory_backup){.name = object->object.name,
                                  .key = object->key,
                                  .stored = object->size,
                                  .time = object->time,
                                  .first = number,
                                  .last = number};
    return 0;
}

static void add_history(struct inventory_timeline *timeline, const struct scan_object *object)
{
    timeline->history_stored += object->size;
    if (*timeline->history.text)
        return;
    timeline->history = object->key;
    timeline->history_time = object->time;
}

static void add_misfit(struct inventory *inventory, const struct scan_object *object)
{
    inventory->others++;
    inventory->others_stored += object->size;
    if (inventory->misfits++ == 0)
        inventory->misfit = object->key;
}

static int add(struct inventory *inventory, const struct scan_object *object, struct error *error)
{
    const struct wal_name *name = &object->object.name;
    uint64_t number;
    struct inventory_timeline *timeline = make_timeline(inventory, name->timeline, error);
    if (!timeline)
        return -1;
    bool has_number = wal_geometry_number(&inventory->geometry, name, &number);
    if (name->kind == WAL_HISTORY) {
        add_history(timeline, object);
        return 0;
    }
    if (!has_number) {
        add_misfit(inventory, object);
        return 0;
    }
    return name->kind == WAL_SEGMENT   ? add_segment(timeline, number, object, error)
           : name->kind == WAL_PARTIAL ? add_partial(timeline, number, object, error)
                                       : add_backup(inventory, number, object, error);
}

static int take(void *context, const struct scan_object *object, struct error *error)
{
    struct survey *survey = context;
    if (!object) {
        survey->inventory->others++;
        return 0;
    }
    survey->seen++;
    if (object->object.name.kind != WAL_HISTORY && !selection_has(&survey->selection, object))
        return 0;
    return add(survey->inventory, object, error);
}

/* ---- all of it ---- */

static int compare_backups(const void *a, const void *b)
{
    const struct inventory_backup *one = a, *other = b;
    int order = (one->first > other->first) - (one->first < other->first);
    if (!order)
        order = (one->name.offset > other->name.offset) - (one->name.offset < other->name.offset);
    return order ? order : strcmp(one->name.text, other->name.text);
}

int inventory_check_seen(const struct archive *archive, uint64_t seen, struct error *error)
{
    if (seen || archive->owner)
        return 0;
    return error_set(error, ERROR_UNREACHABLE,
                     "archive %s holds no WAL and has no identity: is it mounted, is the path "
                     "right?",
                     archive->location);
}

static int survey(struct archive *archive, const struct selection_text *selection, unsigned wanted,
                  struct inventory *inventory, struct error *error)
{
    struct survey survey = {.inventory = inventory};
    if (archive_recognise(archive, error) || inventory_geometry(archive, inventory, error) < 0 ||
        selection_parse(selection, &inventory->geometry, &survey.selection, error) ||
        archive_scan(archive, &(struct scan_query){.wanted = wanted}, take, &survey, error) ||
        inventory_read_files(archive, inventory, error))
        return -1;
    if (inventory->backup_count)
        qsort(inventory->backups, inventory->backup_count, sizeof *inventory->backups,
              compare_backups);
    return inventory_check_seen(archive, survey.seen, error);
}

int inventory_read(struct archive *archive, const struct selection_text *selection, unsigned wanted,
                   struct inventory *inventory, struct error *error)
{
    *inventory = INVENTORY_EMPTY;
    int result = survey(archive, selection, wanted, inventory, error);
    /* What vanishes while it is listed is not "absent". */
    if (result && error->class == ERROR_MISSING)
        error->class = ERROR_UNREACHABLE;
    return result;
}

static void free_timeline(struct inventory_timeline *timeline)
{
    free(timeline->ranges);
    free(timeline->partials);
    free(timeline->hours);
    free(timeline->ancestors);
}

static bool is_empty(const struct inventory *inventory, const struct inventory_timeline *timeline)
{
    for (size_t i = 0; i < inventory->backup_count; i++)
        if (inventory->backups[i].name.timeline == timeline->timeline)
            return false;
    return !timeline->range_count && !timeline->partial_count;
}

bool inventory_is_empty(const struct inventory *inventory)
{
    size_t i = 0;
    while (i < inventory->timeline_count && is_empty(inventory, &inventory->timelines[i]))
        i++;
    return i == inventory->timeline_count;
}

void inventory_drop_empty(struct inventory *inventory)
{
    size_t kept = 0;
    for (size_t i = 0; i < inventory->timeline_count; i++) {
        if (is_empty(inventory, &inventory->timelines[i]))
            free_timeline(&inventory->timelines[i]);
        else
            inventory->timelines[kept++] = inventory->timelines[i];
    }
    inventory->timeline_count = kept;
}

void inventory_free(struct inventory *inventory)
{
    for (size_t i = 0; i < inventory->timeline_count; i++)
        free_timeline(&inventory->timelines[i]);
    free(inventory->timelines);
    free(inventory->backups);
    *inventory = (struct inventory){0};
}

const struct inventory_timeline *inventory_find(const struct inventory *inventory,
                                                uint32_t timeline)
{
    for (size_t i = 0; i < inventory->timeline_count; i++)
        if (inventory->timelines[i].timeline == timeline)
            return &inventory->timelines[i];
    return NULL;
}

const struct inventory_range *inventory_range(const struct inventory_timeline *timeline,
                                              uint64_t number)
{
    size_t low = 0, high = timeline->range_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (timeline->ranges[middle].last < number)
            low = middle + 1;
        else
            high = middle;
    }
    bool holds = low < timeline->range_count && timeline->ranges[low].first <= number;
    return holds ? &timeline->ranges[low] : NULL;
}

uint64_t inventory_raw(const struct inventory *inventory, const struct inventory_timeline *timeline)
{
    uint64_t objects = timeline->segments + timeline->copies + timeline->partial_count;
    return objects * inventory->geometry.segment_size;
}
