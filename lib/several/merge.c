#include "several/merge.h"
#include "archive/scan.h"
#include "base/array.h"
#include "base/buf.h"
#include "base/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Archives are listed in windows, all from the same place on. In what order an archive lists the
 * files of one segment depends on their codings; so a window ends between segments. */
enum { WINDOW_NAMES = 50000, PLACE_MAX = WAL_NAME_MAX + 1 };

struct window {
    const char **names; /* in order of names, each once, once the window is complete */
    size_t count, room, next;
    struct buf text;
    size_t *offsets; /* of the names in text, in the order of the list */
    size_t offset_count, offset_room;
    char last[PLACE_MAX + 1]; /* the segment (or history file) that the last one belongs to */
    bool cut;                 /* there is more behind it */
};

/* What the name belongs to: names with the same begin are neighbours in every archive. */
static void place_of(const struct wal_name *name, char place[PLACE_MAX + 1])
{
    int length = name->kind == WAL_HISTORY ? WAL_NAME_MAX : WAL_SEGMENT_NAME_LENGTH;
    snprintf(place, PLACE_MAX + 1, "%.*s", length, name->text);
}

static int collect(void *context, const struct scan_object *object, struct error *error)
{
    struct window *window = context;
    char place[PLACE_MAX + 1];
    if (!object)
        return 0;
    place_of(&object->object.name, place);
    if (window->offset_count >= WINDOW_NAMES && strcmp(place, window->last) != 0) {
        window->cut = true;
        return 1;
    }
    void *more = array_reserve(window->offsets, window->offset_count, &window->offset_room,
                               sizeof *window->offsets, error);
    if (!more)
        return -1;
    window->offsets = more;
    window->offsets[window->offset_count++] = window->text.length;
    memcpy(window->last, place, sizeof place);
    const char *name = object->object.name.text;
    return buf_append(&window->text, name, strlen(name) + 1, error);
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Puts those up to `limit` ("": all) into order. */
static int sort(struct window *window, const char *limit, struct error *error)
{
    for (size_t i = 0; i < window->offset_count; i++) {
        const char *name = window->text.data + window->offsets[i];
        if (*limit && strncmp(name, limit, strlen(limit)) > 0)
            break;
        void *more = array_reserve(window->names, window->count, &window->room,
                                   sizeof *window->names, error);
        if (!more)
            return -1;
        window->names = more;
        window->names[window->count++] = name;
    }
    if (window->count)
        qsort(window->names, window->count, sizeof *window->names, compare);
    return 0;
}

static void window_free(struct window *window)
{
    free(window->names);
    free(window->offsets);
    buf_free(&window->text);
    *window = (struct window){.count = 0};
}

/* ---- side by side ---- */

/* The lowest name that is next in any window; NULL at the end of all. */
static const char *lowest(const struct window *windows, size_t count)
{
    const char *lowest = NULL;
    for (size_t i = 0; i < count; i++) {
        const struct window *window = &windows[i];
        if (window->next < window->count &&
            (!lowest || strcmp(window->names[window->next], lowest) < 0))
            lowest = window->names[window->next];
    }
    return lowest;
}

/* Goes behind the name, in every window; who had it. */
static uint64_t take(struct window *windows, size_t count, const char *name)
{
    uint64_t has = 0;
    for (size_t i = 0; i < count; i++) {
        struct window *window = &windows[i];
        for (; window->next < window->count && strcmp(window->names[window->next], name) == 0;
             window->next++)
            has |= UINT64_C(1) << i;
    }
    return has;
}

static int visit_all(struct window *windows, size_t count, merge_visit *visit, void *context,
                     struct error *error)
{
    struct wal_name parsed;
    int result = 0;
    for (const char *name; result == 0 && (name = lowest(windows, count));) {
        uint64_t has = take(windows, count, name);
        wal_name_parse(name, strlen(name), &parsed);
        result = visit(context, &parsed, has, error);
    }
    return result;
}

/* Where the window that ends first does; "" when none was cut. */
static const char *find_limit(const struct window *windows, size_t count)
{
    const char *limit = "";
    for (size_t i = 0; i < count; i++)
        if (windows[i].cut && (!*limit || strcmp(windows[i].last, limit) < 0))
            limit = windows[i].last;
    return limit;
}

/* *place is where the next window begins; "" behind the last. */
static int merge_window(struct archive *archives, size_t count, struct window *windows,
                        char place[PLACE_MAX + 2], merge_visit *visit, void *context,
                        struct error *error)
{
    for (size_t i = 0; i < count; i++)
        if (archive_scan(&archives[i], &(struct scan_query){.after = place}, collect, &windows[i],
                         error))
            return error_prefix(error, "%s: ", archives[i].location);
    const char *limit = find_limit(windows, count);
    for (size_t i = 0; i < count; i++)
        if (sort(&windows[i], limit, error))
            return -1;
    /* '~' sorts behind every name that belongs to it. */
    snprintf(place, PLACE_MAX + 2, "%s%s", limit, *limit ? "~" : "");
    return visit_all(windows, count, visit, context, error);
}

int archive_merge(struct archive *archives, size_t count, merge_visit *visit, void *context,
                  struct error *error)
{
    struct window windows[MERGE_MAX] = {{.count = 0}};
    char place[PLACE_MAX + 2] = "";
    int result;
    if (count > MERGE_MAX)
        return error_set(error, ERROR_USAGE, "%zu archives are more than can be compared at once",
                         count);
    do {
        result = merge_window(archives, count, windows, place, visit, context, error);
        for (size_t i = 0; i < count; i++)
            window_free(&windows[i]);
    } while (result == 0 && *place);
    return result < 0 ? -1 : 0;
}
