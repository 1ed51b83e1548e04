#include "base/error.h"
#include "rsync/names.h"
#include "rsync/rsync.h"
#include "rsync/run.h"

#include <stdlib.h>
#include <string.h>

/* ---- what is asked for: rsync(1), "FILTER RULES" ----
 *
 * The list always begins at the archive itself: one that is not there is then an error, while a
 * directory below it that is not there is no more than a rule that matches nothing. */

static int add_rule(struct arguments *arguments, const char *directory, const char *name,
                    const char *end, struct error *error)
{
    struct buf rule = {0};
    int result =
        buf_printf(&rule, error, "--include=/") || rsync_add_pattern(&rule, directory, error) ||
                (*directory && buf_printf(&rule, error, "/")) ||
                rsync_add_pattern(&rule, name, error) || buf_printf(&rule, error, "%s", end)
            ? -1
            : 0;
    if (result == 0)
        arguments_add(arguments, "%s", rule.data);
    buf_free(&rule);
    return result;
}

/* "/a/", "/a/b/" for "a/b". */
static int add_way(struct arguments *arguments, const char *directory, struct error *error)
{
    for (const char *end = directory; *end; end += *end == '/') {
        end += strcspn(end, "/");
        char *part = strndup(directory, (size_t)(end - directory));
        if (!part)
            return error_memory(error);
        int result = add_rule(arguments, "", part, "/", error);
        free(part);
        if (result)
            return -1;
    }
    return 0;
}

static int add_rules(struct arguments *arguments, const char *directory, const char *prefix,
                     const char *end, struct error *error)
{
    /* No other directory is entered: one may not be readable, or large. */
    arguments_add(arguments, *directory ? "-r" : "-d");
    if (add_way(arguments, directory, error))
        return -1;
    if (*directory)
        arguments_add(arguments, "--exclude=*/");
    if (add_rule(arguments, directory, prefix, end, error))
        return -1;
    arguments_add(arguments, "--exclude=*");
    return 0;
}

/* ---- what is answered: "-rw-r-----         123 2026/11/24 01:56:36 NAME" ---- */

struct entry {
    char *name; /* path from the archive */
    uint64_t size;
    bool is_directory;
};

/* False for what is no entry. Links and directories are: they may lie where an object should be. */
static bool parse_entry(char *line, struct entry *entry)
{
    char *end;
    if (!*line || !strchr("-dlpsbc", *line))
        return false;
    entry->is_directory = *line == 'd';
    char *field = line + strcspn(line, " ");
    entry->size = strtoull(field, &end, 10);
    if (end == field)
        return false;
    for (int skipped = 0; skipped < 2; skipped++) { /* date and time */
        end += strspn(end, " ");
        end += strcspn(end, " ");
    }
    if (*end != ' ')
        return false;
    entry->name = rsync_unescape(end + 1);
    return true;
}

struct listing {
    size_t skip;       /* of every path: the directory and its slash */
    const char *after; /* the last name that was visited, or before the first */
    struct buf last;
    storage_visit *visit;
    void *context;
    uint64_t size;    /* of the last one */
    bool directories; /* has come to them: rsync lists them behind all others, which is let be, as
                       * they are no objects */
    bool stopped;
};

static int take_line(void *context, char *line, struct error *error)
{
    struct listing *listing = context;
    struct entry entry;
    if (!parse_entry(line, &entry) || strlen(entry.name) <= listing->skip)
        return 0;
    const char *name = entry.name + listing->skip;
    if (listing->stopped || strcmp(name, listing->after) <= 0)
        return 0;
    listing->size = entry.size;
    if (entry.is_directory != listing->directories) {
        listing->directories = entry.is_directory;
        listing->last.length = 0;
    }
    if (listing->last.length && strcmp(name, listing->last.data) <= 0)
        return error_set(error, ERROR_UNREACHABLE, "rsync lists %s behind %s", name,
                         listing->last.data);
    listing->last.length = 0;
    if (buf_printf(&listing->last, error, "%s", name))
        return -1;
    const struct storage_entry found = {.name = name, .size = entry.size};
    int verdict = listing->visit(listing->context, &found, error);
    listing->stopped = verdict > 0;
    return verdict < 0 ? -1 : 0;
}

static int run_list(struct rsync_storage *rsync, struct arguments *arguments,
                    struct listing *listing, struct error *error)
{
    const struct rsync_talk talk = {take_line, listing, NULL};
    rsync_add_path(rsync, arguments, "");
    return rsync_run(rsync, arguments, &talk, error);
}

static int list(struct rsync_storage *rsync, const char *directory, const char *prefix,
                const char *end, struct listing *listing, struct error *error)
{
    struct arguments arguments = {.list = NULL};
    int result = rsync_begin(rsync, &arguments, error);
    arguments_add(&arguments, "--list-only");
    arguments_add(&arguments, "--no-h");
    arguments_add(&arguments, "-8");
    arguments_add(&arguments, "--no-inc-recursive"); /* one list, sorted */
    if (result == 0)
        result = add_rules(&arguments, directory, prefix, end, error);
    if (result == 0)
        result = run_list(rsync, &arguments, listing, error);
    arguments_free(&arguments);
    buf_free(&listing->last);
    return result;
}

int rsync_list(struct storage *storage, const struct storage_query *query, storage_visit *visit,
               void *context, struct error *error)
{
    struct listing listing = {.skip = *query->directory ? strlen(query->directory) + 1 : 0,
                              .after = query->after,
                              .visit = visit,
                              .context = context};
    return list((struct rsync_storage *)storage, query->directory, query->prefix, "*", &listing,
                error);
}

static int count_one(void *context, const struct storage_entry *entry, struct error *error)
{
    (void)entry, (void)error;
    ++*(int *)context;
    return 0;
}

int rsync_stat(struct storage *storage, const char *key, struct storage_status *status,
               struct error *error)
{
    const char *slash = strrchr(key, '/');
    char *directory = strndup(key, slash ? (size_t)(slash - key) : 0);
    int found = 0;
    struct listing listing = {.skip = slash ? (size_t)(slash - key) + 1 : 0,
                              .after = "",
                              .visit = count_one,
                              .context = &found};
    if (!directory)
        return error_memory(error);
    int result = list((struct rsync_storage *)storage, directory, slash ? slash + 1 : key, "",
                      &listing, error);
    free(directory);
    status->size = listing.size;
    if (result)
        return -1;
    return found ? 0 : error_set(error, ERROR_MISSING, "%s is not there", key);
}
