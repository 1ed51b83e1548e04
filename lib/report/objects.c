#include "report/objects.h"
#include "base/moment.h"
#include "report/human.h"

/* In the order of enum wal_kind. */
static const char *const types[] = {"segment", "partial", "history", "backup"};

void objects_print(const struct scan_object *object, FILE *out)
{
    char time[MOMENT_SIZE] = "", size[HUMAN_SIZE];
    if (object->time)
        moment_format(object->time, time);
    fprintf(out, "%20s  %8s  %s\n", time, human_size(object->size, size), object->key.text);
}

void objects_json(struct json *json, const struct wal_geometry *geometry,
                  const struct scan_object *object)
{
    uint64_t number;
    const struct wal_name *name = &object->object.name;
    json_string(json, "type", types[name->kind]);
    json_string(json, "key", object->key.text);
    json_string(json, "name", name->text);
    json_unsigned(json, "timeline", name->timeline);
    if (wal_geometry_number(geometry, name, &number))
        json_lsn(json, "start_lsn", wal_geometry_address(geometry, number) + name->offset);
    else
        json_null(json, "start_lsn");
    json_string(json, "coding", object->object.codec->name);
    json_unsigned(json, "stored_bytes", object->size);
    json_moment(json, "archived", object->time);
    json_string(json, "sha1", *object->object.sha1 ? object->object.sha1 : NULL);
}
