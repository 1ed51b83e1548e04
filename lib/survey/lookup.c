#include "survey/lookup.h"
#include "survey/recovery.h"
#include "base/array.h"
#include "base/error.h"

#include <stdlib.h>

static bool has_partial(const struct inventory_timeline *timeline, uint64_t number)
{
    for (size_t i = 0; i < timeline->partial_count; i++)
        if (timeline->partials[i].number == number)
            return true;
    return false;
}

static enum lookup_answer answer(const struct inventory_timeline *timeline, uint64_t number,
                                 uint32_t read_on)
{
    size_t ranges = timeline->range_count;
    if (inventory_range(timeline, number))
        return LOOKUP_THERE;
    if (has_partial(timeline, number))
        return LOOKUP_PARTIAL;
    if (read_on != timeline->timeline)
        return LOOKUP_OTHER_TIMELINE;
    if (ranges == 0 || number > timeline->ranges[ranges - 1].last)
        return LOOKUP_BEHIND;
    return number < timeline->ranges[0].first ? LOOKUP_BEFORE : LOOKUP_MISSING;
}

static int keep(void *context, const struct scan_object *object, struct error *error)
{
    struct lookup_place *place = context;
    if (!object ||
        (object->object.name.kind != WAL_SEGMENT && object->object.name.kind != WAL_PARTIAL))
        return 0;
    void *more = array_reserve(place->objects, place->object_count, &place->object_room,
                               sizeof *place->objects, error);
    if (!more)
        return -1;
    place->objects = more;
    place->objects[place->object_count++] = *object;
    return 0;
}

static int find_place(struct archive *archive, const struct inventory *inventory,
                      const struct inventory_timeline *timeline, struct lookup *lookup,
                      struct error *error)
{
    struct lookup_place *place = &lookup->places[lookup->place_count++];
    uint32_t read_on = recovery_timeline_at(inventory, timeline, lookup->number);
    *place = (struct lookup_place){
        .timeline = timeline->timeline,
        .segment = wal_geometry_name(&inventory->geometry, timeline->timeline, lookup->number),
        .answer = answer(timeline, lookup->number, read_on),
        .read_on = read_on};
    if (place->answer != LOOKUP_THERE && place->answer != LOOKUP_PARTIAL)
        return 0;
    const struct scan_query query = {.prefix = place->segment.text, .wanted = STORAGE_DETAILS};
    return archive_scan(archive, &query, keep, place, error);
}

int lookup_find(struct archive *archive, const struct inventory *inventory, uint64_t address,
                uint32_t timeline, struct lookup *lookup, struct error *error)
{
    uint64_t number = wal_geometry_number_at(&inventory->geometry, address);
    *lookup = (struct lookup){
        .address = address,
        .number = number,
        .offset = address & (inventory->geometry.segment_size - 1),
        .places = calloc(inventory->timeline_count + 1, sizeof *lookup->places),
    };
    if (!lookup->places)
        return error_memory(error);
    for (size_t i = 0; i < inventory->timeline_count; i++)
        if ((!timeline || inventory->timelines[i].timeline == timeline) &&
            find_place(archive, inventory, &inventory->timelines[i], lookup, error))
            return -1;
    return 0;
}

void lookup_free(struct lookup *lookup)
{
    for (size_t i = 0; i < lookup->place_count; i++)
        free(lookup->places[i].objects);
    free(lookup->places);
    *lookup = (struct lookup){0};
}
