#include "archive/scan.h"
#include "base/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct top;

struct scan {
    struct archive *archive;
    const struct scan_query *query;
    const char *directory; /* that is being listed: "" or a log's */
    scan_visit *visit;
    void *context;
    bool stopped;
    const struct top *history; /* of a split layout: still to be visited from `next` on */
    size_t next;
};

static int visit_entry(void *context, const struct storage_entry *entry, struct error *error)
{
    struct scan *scan = context;
    struct scan_object object = {.size = entry->size, .time = entry->time};
    bool is_object = object_parse(entry->name, &object.object);
    if (is_object)
        snprintf(object.key.text, sizeof object.key.text, "%s%s%s", scan->directory,
                 *scan->directory ? "/" : "", entry->name);
    int result = scan->visit(scan->context, is_object ? &object : NULL, error);
    scan->stopped = result > 0;
    return result;
}

static int list_by(struct scan *scan, const char *directory, storage_visit *visit,
                   struct error *error)
{
    const struct storage_query query = {directory, scan->query->prefix, scan->query->after,
                                        scan->query->wanted};
    scan->directory = directory;
    return storage_list(scan->archive->storage, &query, visit, scan, error);
}

static int list(struct scan *scan, const char *directory, struct error *error)
{
    return list_by(scan, directory, visit_entry, error);
}

/* ---- nested: the top has history files and directories, whose orders are merged ---- */

struct item {
    char *name;
    struct storage_entry entry;
};

struct top {
    struct item *items;
    size_t count, room;
};

static int keep(void *context, const struct storage_entry *entry, struct error *error)
{
    struct top *top = context;
    if (top->count == top->room) {
        size_t room = top->room ? 2 * top->room : 64;
        struct item *items = realloc(top->items, room * sizeof *items);
        if (!items)
            return error_memory(error);
        top->items = items;
        top->room = room;
    }
    struct item *item = &top->items[top->count];
    *item = (struct item){strdup(entry->name), *entry};
    if (!item->name)
        return error_memory(error);
    item->entry.name = item->name;
    top->count++;
    return 0;
}

static void free_top(struct top *top)
{
    for (size_t i = 0; i < top->count; i++)
        free(top->items[i].name);
    free(top->items);
}

static int compare(const void *a, const void *b)
{
    return strcmp(((const struct item *)a)->name, ((const struct item *)b)->name);
}

/* May the directory hold names that are asked for? */
static bool is_needed(const struct scan_query *query, const char *log)
{
    const char *prefix = query->prefix ? query->prefix : "";
    size_t length = strnlen(prefix, OBJECT_LOG_LENGTH);
    return layout_is_log(log) && strncmp(log, prefix, length) == 0 &&
           (!query->after || strncmp(log, query->after, OBJECT_LOG_LENGTH) >= 0);
}

static bool is_asked_for(const struct scan_query *query, const char *name)
{
    return (!query->prefix || strncmp(name, query->prefix, strlen(query->prefix)) == 0) &&
           (!query->after || strcmp(name, query->after) > 0);
}

static int visit_top(struct scan *scan, const struct top *top, struct error *error)
{
    int result = 0;
    for (size_t i = 0; i < top->count && result == 0 && !scan->stopped; i++) {
        const struct storage_entry *entry = &top->items[i].entry;
        if (entry->is_directory && is_needed(scan->query, entry->name)) {
            result = list(scan, entry->name, error);
        } else if (!entry->is_directory && is_asked_for(scan->query, entry->name)) {
            scan->directory = "";
            result = visit_entry(scan, entry, error);
        }
    }
    return result < 0 ? -1 : 0;
}

static int scan_top(struct scan *scan, const char *prefix, struct error *error)
{
    struct top top = {.count = 0};
    const struct storage_query query = {.prefix = prefix,
                                        .wanted = STORAGE_DIRECTORIES | scan->query->wanted};
    int result = storage_list(scan->archive->storage, &query, keep, &top, error);
    if (top.count)
        qsort(top.items, top.count, sizeof *top.items, compare);
    if (result == 0)
        result = visit_top(scan, &top, error);
    free_top(&top);
    return result;
}

/* A long prefix tells which directory it is. */
static int scan_nested(struct scan *scan, struct error *error)
{
    char log[OBJECT_LOG_LENGTH + 1];
    const char *prefix = scan->query->prefix ? scan->query->prefix : "";
    snprintf(log, sizeof log, "%s", prefix);
    return layout_is_log(log) ? list(scan, log, error) : scan_top(scan, log, error);
}

/* ---- split: two directories, whose names are merged ---- */

/* History files whose names are below this one; NULL: all that are left. */
static int visit_history(struct scan *scan, const char *name, struct error *error)
{
    int result = 0;
    scan->directory = LAYOUT_SPLIT_HISTORY;
    while (result == 0 && !scan->stopped && scan->next < scan->history->count &&
           (!name || strcmp(scan->history->items[scan->next].name, name) < 0))
        result = visit_entry(scan, &scan->history->items[scan->next++].entry, error);
    return result;
}

static int visit_between(void *context, const struct storage_entry *entry, struct error *error)
{
    struct scan *scan = context;
    int result = visit_history(scan, entry->name, error);
    scan->directory = LAYOUT_SPLIT_WAL;
    return result ? result : visit_entry(scan, entry, error);
}

static int scan_split(struct scan *scan, struct error *error)
{
    struct top history = {.count = 0};
    const struct storage_query query = {LAYOUT_SPLIT_HISTORY, scan->query->prefix,
                                        scan->query->after, scan->query->wanted};
    int result = storage_list(scan->archive->storage, &query, keep, &history, error);
    scan->history = &history;
    if (result == 0)
        result = list_by(scan, LAYOUT_SPLIT_WAL, visit_between, error);
    if (result == 0 && !scan->stopped)
        result = visit_history(scan, NULL, error);
    free_top(&history);
    return result < 0 ? -1 : 0;
}

int archive_scan(struct archive *archive, const struct scan_query *query, scan_visit *visit,
                 void *context, struct error *error)
{
    struct scan scan = {
        .archive = archive, .query = query, .directory = "", .visit = visit, .context = context};
    switch (archive->layout.form) {
    case LAYOUT_NESTED:
        return scan_nested(&scan, error);
    case LAYOUT_SPLIT:
        return scan_split(&scan, error);
    case LAYOUT_FLAT:
        break;
    }
    return list(&scan, "", error);
}
