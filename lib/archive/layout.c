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
enum holds {
    HOLDS_WAL,     /* or directories of a log each */
    HOLDS_ONE,     /* the same, or a directory for it, whose name the user has chosen */
    HOLDS_STANZAS, /* directories, of such names, each with one for a version */
    HOLDS_VERSIONS,
};

static const struct place {
    const char *name; /* NULL: is_version */
    const char *tool;
    enum holds holds;
    bool unmistakable; /* nobody else gives a directory this name */
} places[] = {
    {"wal_005", "WAL-G", HOLDS_WAL, true},
    {"wals", "barman", HOLDS_WAL, false},
    {NULL, "pgBackRest", HOLDS_WAL, false},
    {"archive", "pgBackRest", HOLDS_STANZAS, false},
    {"wal", "pgmoneta or pg_probackup", HOLDS_ONE, false},
    {LAYOUT_SPLIT_WAL, "pghoard", HOLDS_WAL, false},
};

static const struct place *place_of(const char *name)
{
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        if (places[i].name ? strcmp(places[i].name, name) == 0 : is_version(name))
            return &places[i];
    return NULL;
}

/* ---- what one directory holds ---- */

enum { CHILDREN_MAX = 16 };

struct survey {
    bool wal, logs, history;
    bool digests;              /* in names, as only pgBackRest has them */
    const struct place *place; /* the best so far ... */
    struct buf child;          /* ... and its name */
    size_t directories;
    struct buf names; /* of the first CHILDREN_MAX directories, a slash behind each */
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
    const struct place *place = place_of(name);
    survey->logs |= layout_is_log(name);
    if (*name == '.' || strcmp(name, "lost+found") == 0)
        return 0;
    if (survey->directories++ < CHILDREN_MAX && buf_printf(&survey->names, error, "%s/", name))
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
    survey->digests |= *object.sha1 != '\0';
    survey->history |= object.name.kind == WAL_HISTORY;
    survey->wal |= object.name.kind != WAL_HISTORY;
    return survey->wal;
}

/* ---- from the top down ---- */

struct search {
    struct storage *storage;
    struct layout *layout;
    struct buf *path; /* that is looked into */
};

/* 1: found at or below the path, and told in the layout; 0: there is none; -1. The path is then
 * where it is, or as it was. */
static int find_below(struct search *search, const struct place *above, unsigned depth,
                      struct error *error);

static int descend(struct search *search, const struct place *place, const char *child,
                   unsigned depth, struct error *error)
{
    struct buf *path = search->path;
    size_t length = path->length;
    if (depth == DEPTH_MAX || buf_printf(path, error, "%s%s", length ? "/" : "", child))
        return depth == DEPTH_MAX ? 0 : -1;
    int found = find_below(search, place, depth + 1, error);
    if (found == 0)
        path->data[path->length = length] = '\0';
    return found;
}

static int refuse_several(const char *one, const char *other, struct error *error)
{
    return error_set(error, ERROR_USAGE,
                     "it holds several archives, such as %s and %s: give the one that is meant, "
                     "not the directory above",
                     one, other);
}

/* The only one of these directories in which there is WAL. */
static int find_only(struct search *search, const struct place *above, char *names, unsigned depth,
                     struct error *error)
{
    const struct place inner = {"", above->tool,
                                above->holds == HOLDS_STANZAS ? HOLDS_VERSIONS : HOLDS_WAL, false};
    struct buf here = {0}, only = {0};
    char *rest = NULL;
    int found = keep(&here, search->path->data, error);
    for (char *name = strtok_r(names, "/", &rest); name && found >= 0;
         name = strtok_r(NULL, "/", &rest)) {
        found =
            keep(search->path, here.data, error) ? -1 : descend(search, &inner, name, depth, error);
        if (found > 0 && only.length)
            found = refuse_several(only.data, search->path->data, error);
        else if (found > 0)
            found = keep(&only, search->path->data, error);
    }
    if (found >= 0)
        found =
            keep(search->path, only.length ? only.data : here.data, error) ? -1 : only.length > 0;
    buf_free(&here);
    buf_free(&only);
    return found;
}

/* Where a part of it lies beside the directory, the place is the one above. */
static int descend_place(struct search *search, const struct survey *survey, unsigned depth,
                         struct error *error)
{
    size_t length = search->path->length;
    const char *name = survey->place->name;
    int found = descend(search, survey->place, survey->child.data, depth, error);
    if (found > 0 && name && strcmp(name, LAYOUT_SPLIT_WAL) == 0) {
        search->path->data[search->path->length = length] = '\0';
        search->layout->form = LAYOUT_SPLIT;
        search->layout->below = depth > 0;
    }
    return found;
}

/* The user's own location may be called "archive" and be no tool's. */
static bool holds_wal(const struct survey *survey, const struct place *above, unsigned depth)
{
    if (depth > 0 && above && (above->holds == HOLDS_STANZAS || above->holds == HOLDS_VERSIONS))
        return false;
    return survey->wal || survey->logs || (survey->history && !survey->place);
}

/* A user's own location may have any name but an unmistakable one. */
static void tell(struct layout *layout, const struct place *above, const struct survey *survey,
                 unsigned depth)
{
    bool named =
        above && (depth > 0 || above->unmistakable || (survey->logs && above->holds == HOLDS_WAL));
    layout->found = true;
    layout->form = survey->logs ? LAYOUT_NESTED : LAYOUT_FLAT;
    layout->tool = named ? above->tool : survey->digests ? "pgBackRest" : NULL;
    layout->below = depth > 0;
    layout->foreign = named || survey->logs || survey->digests;
}

static int judge(struct search *search, const struct place *above, const struct survey *survey,
                 unsigned depth, struct error *error)
{
    if (holds_wal(survey, above, depth)) {
        tell(search->layout, above, survey, depth);
        return 1;
    }
    if (survey->place)
        return descend_place(search, survey, depth, error);
    return above && (above->holds == HOLDS_ONE || above->holds == HOLDS_STANZAS) &&
                   survey->directories
               ? find_only(search, above, survey->names.data, depth, error)
               : 0;
}

static int find_below(struct search *search, const struct place *above, unsigned depth,
                      struct error *error)
{
    struct survey survey = {0};
    const struct storage_query query = {.directory = search->path->data,
                                        .wanted = STORAGE_DIRECTORIES};
    int found = storage_list(search->storage, &query, take, &survey, error);
    if (found == 0)
        found = judge(search, above, &survey, depth, error);
    buf_free(&survey.child);
    buf_free(&survey.names);
    return found;
}

/* The place that the last part of the location names. */
static int find_place(const char *location, const struct place **place, struct error *error)
{
    size_t end = strlen(location);
    while (end > 0 && location[end - 1] == '/')
        end--;
    size_t begin = end;
    while (begin > 0 && location[begin - 1] != '/')
        begin--;
    char *name = strndup(location + begin, end - begin);
    if (!name)
        return error_memory(error);
    *place = place_of(name);
    free(name);
    return 0;
}

int layout_find(struct storage *storage, const char *location, struct layout *layout,
                struct buf *path, struct error *error)
{
    struct search search = {storage, layout, path};
    const struct place *place = NULL;
    *layout = (struct layout){.known = true, .form = LAYOUT_FLAT};
    if (find_place(location, &place, error) || keep(path, "", error))
        return -1;
    return find_below(&search, place, 0, error) < 0 ? -1 : 0;
}
