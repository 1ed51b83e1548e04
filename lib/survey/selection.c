#include "survey/selection.h"
#include "base/error.h"
#include "base/moment.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static void keep(const struct wal_name *name, char position[SELECTION_POSITION + 1])
{
    memcpy(position, name->text + 8, SELECTION_POSITION);
    position[SELECTION_POSITION] = '\0';
}

static int parse_position(const char *option, const char *text, const struct wal_geometry *geometry,
                          char position[SELECTION_POSITION + 1], struct error *error)
{
    struct wal_name name;
    uint64_t address;
    if (!text)
        return 0;
    if (wal_name_parse(text, strlen(text), &name) && name.kind != WAL_HISTORY) {
        keep(&name, position);
        return 0;
    }
    if (!wal_lsn_parse(text, &address))
        return error_set(error, ERROR_USAGE,
                         "%s: \"%s\" is neither the name of a WAL segment nor an LSN", option,
                         text);
    name = wal_geometry_name(geometry, 1, wal_geometry_number_at(geometry, address));
    keep(&name, position);
    return 0;
}

static int parse_timeline(const char *text, uint32_t *timeline, struct error *error)
{
    char *end;
    if (!text)
        return 0;
    int base = strlen(text) == 8 ? 16 : 10;
    unsigned long long number = strtoull(text, &end, base);
    if (!isxdigit((unsigned char)*text) || *end || number == 0 || number > UINT32_MAX)
        return error_set(error, ERROR_USAGE, "timeline: \"%s\" is no timeline, such as 2", text);
    *timeline = (uint32_t)number;
    return 0;
}

int selection_parse(const struct selection_text *text, const struct wal_geometry *geometry,
                    struct selection *selection, struct error *error)
{
    *selection = (struct selection){.since = INT64_MIN};
    if (parse_position("from", text->from, geometry, selection->from, error) ||
        parse_position("to", text->to, geometry, selection->to, error) ||
        parse_timeline(text->timeline, &selection->timeline, error))
        return -1;
    if (*selection->from && *selection->to && strcmp(selection->from, selection->to) > 0)
        return error_set(error, ERROR_USAGE, "from %s is behind to %s", text->from, text->to);
    if (text->since && moment_parse(text->since, moment_now(), &selection->since, error))
        return error_prefix(error, "since: ");
    return 0;
}

bool selection_is_all(const struct selection *selection)
{
    return !*selection->from && !*selection->to && !selection->timeline &&
           selection->since == INT64_MIN;
}

static bool is_recent(struct selection *selection, const struct scan_object *object)
{
    if (object->time >= selection->since)
        selection->begun = object->object.name.timeline;
    return selection->begun == object->object.name.timeline;
}

bool selection_has(struct selection *selection, const struct scan_object *object)
{
    const struct wal_name *name = &object->object.name;
    const char *position = name->text + 8;
    if (selection->timeline && name->timeline != selection->timeline)
        return false;
    if (name->kind == WAL_HISTORY)
        return object->time >= selection->since;
    if ((*selection->from && strncmp(position, selection->from, SELECTION_POSITION) < 0) ||
        (*selection->to && strncmp(position, selection->to, SELECTION_POSITION) > 0))
        return false;
    return is_recent(selection, object);
}
