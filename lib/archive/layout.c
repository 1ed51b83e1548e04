#include "archive/layout.h"
#include "archive/object.h"
#include "base/buf.h"
#include "base/error.h"
#include "storage/storage.h"

#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 4 };

/* ---- names ---- */

bool layout_is_log(const char *name)
{
    return strlen(name) == OBJECT_LOG_LENGTH &&
           strspn(name, "0123456789ABCDEF") == OBJECT_LOG_LENGTH;
}

/* pgBackRest's directory for one cluster: "9.6-1", "15-2". */
static bool is_version(const char *name)
{
    size_t version = strspn(name, "0123456789."), id;
    if (version == 0 || name[version] != '-')
        return false;
    id = strspn(name + version + 1, "0123456789");
    return id > 0 && !name[version + 1 + id];
}

/* Where tools keep WAL; the first that fits is looked into. */
static const struct place {
    const char *name; /* NULL: is_version */
    const char *tool;
    bool holds_one; /* directory, whose name the user has chosen, with the WAL */
} places[] = {
    {"wal_005", "WAL-G", false},     {"wals", "barman", false}, {NULL, "pgBackRest", false},
    {"archive", "pgBackRest", true}, {"wal", "pgmoneta", true},
};

static const struct place *place_of(const char *name)
{
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        if (places[i].name ? strcmp(places[i].name, name) == 0 : is_version(name))
            return &places[i];
    return NULL;
}

/* ---- what one directory holds ---- */

struct survey {
    bool wal, logs, history;
    const struct place *place; /* the best so far ... */
    struct buf child;          /* ... and its name */
    size_t directories;
    struct buf names; /* of the directories, the first few */
};

static int keep(struct buf *text, const char *name, struct error *error)
{
    text->length = 0;
    return buf_printf(text, error, "%s", name);
}

/* Of several clusters' directories the one with the highest id is in use. */
static bool is_better(const struct survey *survey, const struct place *place, const char *name)
{
    if (survey->place != place)
        return !survey->place || place < survey->place;
    return !place->name && strtoull(strchr(name, '-') + 1, NULL, 10) >
                               strtoull(strchr(survey->child.data, '-') + 1, NULL, 10);
}

static int take_directory(struct survey *survey, const char *name, struct error *error)
{
    enum { NAMES_TOLD = 5 };
    const struct place *place = place_of(name);
    survey->logs |= layout_is_log(name);
    if (*name == '.')
        return 0;
    if (++survey->directories <= NAMES_TOLD &&
        buf_printf(&survey->names, error, "%s%s", survey->names.length ? ", " : "", name))
        return -1;
    if (!place || !is_better(survey, place, name))
        return 0;
    survey->place = place;
    return keep(&survey->child, name, error);
}

static int take(void *context, const struct storage_entry *entry, struct error *error)
{
    struct survey *survey = context;
    struct object object;
    if (entry->is_directory)
        return take_directory(survey, entry->name, error) ? -1 : survey->logs;
    if (!object_parse(entry->name, &object))
        return 0;
    survey->history |= object.name.kind == WAL_HISTORY;
    survey->wal |= object.name.kind != WAL_HISTORY;
    return survey->wal;
}

/* ---- from the top down ---- */

static int find_below(struct storage *storage, const struct place *above, unsigned depth,
                      struct layout *layout, struct buf *path, struct error *error);

static int descend(struct storage *storage, const struct place *place, const char *child,
                   unsigned depth, struct layout *layout, struct buf *path, struct error *error)
{
    size_t length = path->length;
    if (depth == DEPTH_MAX || buf_printf(path, error, "%s%s", length ? "/" : "", child))
        return depth == DEPTH_MAX ? 0 : -1;
    int found = find_below(storage, place, depth + 1, layout, path, error);
    if (found == 0)
        path->data[path->length = length] = '\0';
    return found;
}

static int refuse_several(struct storage *storage, const struct survey *survey,
                          const struct buf *path, struct error *error)
{
    struct storage_status status;
    struct buf key = {0};
    int result = buf_printf(&key, error, "%s/%.*s/archive.info", path->data,
                            (int)strcspn(survey->names.data, ","), survey->names.data);
    if (result == 0)
        result = storage_stat(storage, key.data, &status, error);
    if (result == 0) {
        buf_free(&status.attributes);
        result = error_set(error, ERROR_USAGE,
                           "it is a pgBackRest repository with several stanzas (%s): name one, as "
                           ".../%s/STANZA",
                           survey->names.data, path->data);
    } else if (error->class == ERROR_MISSING) {
        result = 0;
    }
    buf_free(&key);
    return result;
}

/* 1: found, and told in layout; 0: there is none; -1. */
static int judge(struct storage *storage, const struct place *above, const struct survey *survey,
                 unsigned depth, struct layout *layout, struct buf *path, struct error *error)
{
    if (survey->wal || survey->logs || (survey->history && !survey->place)) {
        layout->form = survey->logs ? LAYOUT_NESTED : LAYOUT_FLAT;
        layout->tool = above ? above->tool : NULL;
        layout->below = path->length > 0;
        return 1;
    }
    if (survey->place)
        return descend(storage, survey->place, survey->child.data, depth, layout, path, error);
    if (!above || !above->holds_one || survey->directories == 0)
        return 0;
    return survey->directories == 1
               ? descend(storage, above, survey->names.data, depth, layout, path, error)
               : refuse_several(storage, survey, path, error);
}

static int find_below(struct storage *storage, const struct place *above, unsigned depth,
                      struct layout *layout, struct buf *path, struct error *error)
{
    struct survey survey = {0};
    const struct storage_query query = {.directory = path->data, .wanted = STORAGE_DIRECTORIES};
    int found = storage_list(storage, &query, take, &survey, error);
    if (found == 0)
        found = judge(storage, above, &survey, depth, layout, path, error);
    buf_free(&survey.child);
    buf_free(&survey.names);
    return found;
}

int layout_find(struct storage *storage, struct layout *layout, struct buf *path,
                struct error *error)
{
    *layout = (struct layout){.known = true, .form = LAYOUT_FLAT};
    if (buf_printf(path, error, "%s", ""))
        return -1;
    return find_below(storage, NULL, 0, layout, path, error) < 0 ? -1 : 0;
}
