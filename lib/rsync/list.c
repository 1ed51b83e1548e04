#include "base/error.h"
#include "rsync/names.h"
#include "rsync/rsync.h"
#include "rsync/run.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ---- what is asked for: rsync(1), "FILTER RULES" ---- */

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

/* Names below `directory` that begin with `name` and end in `end`. */
struct wanted {
    const char *directory, *name, *end;
    unsigned what; /* enum storage_wanted */
};

/* Only what lies directly below the directory: others may not be readable, or large. */
static int add_rules(struct arguments *arguments, const struct wanted *wanted, struct error *error)
{
    arguments_add(arguments, "-d");
    if (add_way(arguments, wanted->directory, error))
        return -1;
    if (!(wanted->what & STORAGE_DIRECTORIES))
        arguments_add(arguments, "--exclude=*/");
    if (add_rule(arguments, wanted->directory, wanted->name, wanted->end, error))
        return -1;
    arguments_add(arguments, "--exclude=*");
    return 0;
}

/* The archive itself is entered first: one that is not there is an error, while a directory below
 * it that is not there has no objects. */
static int add_place(const struct rsync_storage *rsync, struct arguments *arguments,
                     const char *directory, struct error *error)
{
    struct buf path = {0};
    int result = 0;
    if (*directory) {
        arguments_add(arguments, "-R");
        arguments_add(arguments, "--ignore-missing-args");
        result = buf_printf(&path, error, "./%s/", directory);
    }
    if (result == 0)
        rsync_add_path(rsync, arguments, *directory ? path.data : "");
    buf_free(&path);
    return result;
}

/* ---- what is answered: "-rw-r-----         123 2026/11/24 01:56:36 NAME" ---- */

/* False for what is no entry. Links and directories are: they may lie where an object should be.
 * The name is the path from the archive. Times are UTC, see run.c. */
static bool parse_entry(char *line, struct storage_entry *entry)
{
    struct tm time = {0};
    char *end;
    if (!*line || !strchr("-dlpsbc", *line))
        return false;
    entry->is_directory = *line == 'd';
    char *field = line + strcspn(line, " ");
    entry->size = strtoull(field, &end, 10);
    if (end == field)
        return false;
    end = strptime(end, " %Y/%m/%d %H:%M:%S", &time);
    if (!end || *end != ' ')
        return false;
    entry->time = timegm(&time);
    entry->name = rsync_unescape(end + 1);
    return true;
}

struct listing {
    struct wanted wanted;
    size_t skip;       /* of every path: the directory and its slash */
    const char *after; /* no name up to it is asked for */
    struct buf last;   /* that was visited */
    storage_visit *visit;
    void *context;
    uint64_t size;    /* of the last one */
    bool directories; /* has come to them: rsync lists them behind all others */
    bool stopped;
};

/* Both kinds are in order, each in its own: rsync sorts a directory as if its name ended in a
 * slash.
 */
static int check_order(struct listing *listing, const struct storage_entry *entry,
                       struct error *error)
{
    struct buf name = {0};
    if (entry->is_directory != listing->directories) {
        listing->directories = entry->is_directory;
        listing->last.length = 0;
    }
    if (buf_printf(&name, error, "%s%s", entry->name, entry->is_directory ? "/" : ""))
        return -1;
    int result = 0;
    if (listing->last.length && strcmp(name.data, listing->last.data) <= 0)
        result = error_set(error, ERROR_UNREACHABLE, "rsync lists %s behind %s", name.data,
                           listing->last.data);
    buf_free(&listing->last);
    listing->last = name;
    return result;
}

/* Those on the way, and the archive itself, are listed too. */
static bool is_asked_for(const struct listing *listing, const struct storage_entry *entry)
{
    if (entry->is_directory &&
        (!(listing->wanted.what & STORAGE_DIRECTORIES) || strcmp(entry->name, ".") == 0))
        return false;
    return strlen(entry->name) > listing->skip &&
           strcmp(entry->name + listing->skip, listing->after) > 0;
}

static int take_line(void *context, char *line, struct error *error)
{
    struct listing *listing = context;
    struct storage_entry entry;
    if (!parse_entry(line, &entry) || listing->stopped || !is_asked_for(listing, &entry))
        return 0;
    entry.name += listing->skip;
    listing->size = entry.size;
    if (check_order(listing, &entry, error))
        return -1;
    if (!(listing->wanted.what & STORAGE_DETAILS)) {
        entry.size = 0;
        entry.time = 0;
    }
    int verdict = listing->visit(listing->context, &entry, error);
    listing->stopped = verdict > 0;
    return verdict < 0 ? -1 : 0;
}

static int list(struct rsync_storage *rsync, struct listing *listing, struct error *error)
{
    struct arguments arguments = {.list = NULL};
    int result = rsync_begin(rsync, &arguments, error);
    arguments_add(&arguments, "--list-only");
    arguments_add(&arguments, "--no-h");
    arguments_add(&arguments, "-8");
    arguments_add(&arguments, "--no-inc-recursive"); /* one list, sorted */
    if (result == 0)
        result = add_rules(&arguments, &listing->wanted, error);
    if (result == 0)
        result = add_place(rsync, &arguments, listing->wanted.directory, error);
    if (result == 0)
        result =
            rsync_run(rsync, &arguments, &(struct rsync_talk){take_line, listing, NULL}, error);
    arguments_free(&arguments);
    buf_free(&listing->last);
    return result;
}

int rsync_list(struct storage *storage, const struct storage_query *query, storage_visit *visit,
               void *context, struct error *error)
{
    struct listing listing = {.wanted = {query->directory, query->prefix, "*", query->wanted},
                              .skip = *query->directory ? strlen(query->directory) + 1 : 0,
                              .after = query->after,
                              .visit = visit,
                              .context = context};
    return list((struct rsync_storage *)storage, &listing, error);
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
    struct listing listing = {
        .wanted = {directory, slash ? slash + 1 : key, "", STORAGE_DIRECTORIES},
        .skip = slash ? (size_t)(slash - key) + 1 : 0,
        .after = "",
        .visit = count_one,
        .context = &found};
    if (!directory)
        return error_memory(error);
    int result = list((struct rsync_storage *)storage, &listing, error);
    free(directory);
    status->size = listing.size;
    if (result)
        return -1;
    return found ? 0 : error_set(error, ERROR_MISSING, "%s is not there", key);
}
