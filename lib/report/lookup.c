#include "report/lookup.h"
#include "base/buf.h"
#include "base/error.h"
#include "report/human.h"
#include "report/json.h"
#include "report/objects.h"
#include "report/summary.h"
#include "report/table.h"

#include <inttypes.h>

static const struct {
    const char *word; /* in JSON */
    const char *text; /* for people */
    enum color_role role;
} answers[] = {
    [LOOKUP_THERE] = {"there", "is there", COLOR_GOOD},
    [LOOKUP_PARTIAL] = {"partial", "is there in part", COLOR_WARNING},
    [LOOKUP_MISSING] = {"missing", "is missing: a gap", COLOR_BAD},
    [LOOKUP_BEFORE] = {"before", "is not there: removed, or never archived", COLOR_WARNING},
    [LOOKUP_BEHIND] = {"behind", "is not there: behind the last one", COLOR_WARNING},
    [LOOKUP_OTHER_TIMELINE] = {"other-timeline", "is on timeline", COLOR_FAINT},
};

/* ---- for people ---- */

static const struct table_column columns[] = {
    {"timeline", TABLE_RIGHT}, {"segment", TABLE_LEFT}, {"", TABLE_LEFT},
    {"object", TABLE_LEFT},    {"stored", TABLE_RIGHT}, {"archived (UTC)", TABLE_LEFT},
    {NULL, TABLE_LEFT},
};

static int add_row(struct table *table, const struct lookup_place *place,
                   const struct scan_object *object, struct error *error)
{
    char timeline[HUMAN_SIZE], text[80], stored[HUMAN_SIZE] = "", time[HUMAN_SIZE] = "";
    bool is_other = place->answer == LOOKUP_OTHER_TIMELINE;
    snprintf(timeline, sizeof timeline, "%" PRIu32, place->timeline);
    snprintf(text, sizeof text, "%s", answers[place->answer].text);
    if (is_other)
        snprintf(text, sizeof text, "%s %" PRIu32, answers[place->answer].text, place->read_on);
    if (object)
        human_size(object->size, stored);
    if (object)
        human_period(object->time, object->time, time);
    const char *cells[] = {
        timeline, place->segment.text, text, object ? object->key.text : "", stored, time};
    return table_add(table, answers[place->answer].role, cells, error);
}

static int add_place(struct table *table, const struct lookup_place *place, struct error *error)
{
    if (place->object_count == 0)
        return add_row(table, place, NULL, error);
    for (size_t i = 0; i < place->object_count; i++)
        if (add_row(table, place, &place->objects[i], error))
            return -1;
    return 0;
}

static void put_heading(const struct inventory *inventory, const struct lookup *lookup, FILE *out)
{
    char lsn[HUMAN_SIZE], offset[HUMAN_SIZE], size[HUMAN_SIZE];
    struct wal_name name = wal_geometry_name(&inventory->geometry, 1, lookup->number);
    fprintf(out, "%s is at byte %s of segment ........%s (%s%s)\n", human_lsn(lookup->address, lsn),
            human_count(lookup->offset, offset), name.text + 8,
            human_size(inventory->geometry.segment_size, size),
            inventory->has_geometry ? "" : ", as usual: the archive has none that tells");
}

int lookup_print(const struct inventory *inventory, const struct lookup *lookup, FILE *out,
                 const struct colors *colors, struct error *error)
{
    struct table table;
    int result = 0;
    put_heading(inventory, lookup, out);
    table_open(&table, columns);
    for (size_t i = 0; i < lookup->place_count && result == 0; i++)
        result = add_place(&table, &lookup->places[i], error);
    if (result == 0 && table.count)
        table_print(&table, out, colors);
    else if (result == 0)
        fputs("  the archive knows no such timeline\n", out);
    table_free(&table);
    return result;
}

/* ---- JSON ---- */

static void put_place(struct json *json, const struct inventory *inventory,
                      const struct lookup_place *place)
{
    json_object(json, NULL);
    json_unsigned(json, "timeline", place->timeline);
    json_string(json, "segment", place->segment.text);
    json_string(json, "answer", answers[place->answer].word);
    json_unsigned(json, "read_on_timeline", place->read_on);
    json_array(json, "objects");
    for (size_t i = 0; i < place->object_count; i++) {
        json_object(json, NULL);
        objects_json(json, &inventory->geometry, &place->objects[i]);
        json_end(json);
    }
    json_end(json);
    json_end(json);
}

void lookup_json(const char *location, const struct inventory *inventory,
                 const struct lookup *lookup, FILE *out)
{
    struct json json;
    json_open(&json, out, JSON_INDENTED);
    json_object(&json, NULL);
    json_unsigned(&json, "schema_version", SUMMARY_SCHEMA_VERSION);
    json_string(&json, "kind", "lookup");
    json_string(&json, "location", location);
    json_lsn(&json, "lsn", lookup->address);
    json_unsigned(&json, "offset", lookup->offset);
    json_unsigned(&json, "segment_size", inventory->geometry.segment_size);
    json_array(&json, "timelines");
    for (size_t i = 0; i < lookup->place_count; i++)
        put_place(&json, inventory, &lookup->places[i]);
    json_end(&json);
    json_end(&json);
}
