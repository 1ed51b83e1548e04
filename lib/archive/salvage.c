#include "archive/salvage.h"
#include "archive/datadir.h"
#include "archive/push.h"
#include "archive/walfile.h"
#include "base/array.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/log.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char ready[] = ".ready";

/* ---- what is ready ---- */

static int add(struct salvage *salvage, const char *name, size_t length, struct error *error)
{
    char *path;
    void *more = array_reserve(salvage->paths, salvage->count + 1, &salvage->room,
                               sizeof *salvage->paths, error);
    if (!more)
        return -1;
    salvage->paths = more;
    if (asprintf(&path, "%s/%.*s", salvage->directory, (int)length, name) < 0)
        return error_memory(error);
    if (access(path, F_OK)) {
        log_warning("%s is ready to be archived, but not there: the server passes over it", path);
        salvage->gone++;
        free(path);
        return 0;
    }
    salvage->paths[salvage->count++] = path;
    salvage->paths[salvage->count] = NULL;
    return 0;
}

static bool is_ready(const char *entry, size_t *length)
{
    struct wal_name name;
    size_t whole = strlen(entry), suffix = sizeof ready - 1;
    *length = whole > suffix ? whole - suffix : 0;
    return *length && strcmp(entry + *length, ready) == 0 && wal_name_parse(entry, *length, &name);
}

static bool is_history(const char *path)
{
    const char *end = strrchr(path, '.');
    return end && strcmp(end, ".history") == 0;
}

/* History files first, then by name: pgarch.c, pgarch_readyXlog. */
static int compare(const void *a, const void *b)
{
    const char *one = *(char *const *)a, *other = *(char *const *)b;
    int order = is_history(other) - is_history(one);
    return order ? order : strcmp(one, other);
}

static DIR *open_status(struct salvage *salvage, struct error *error)
{
    static const char *const directories[] = {"pg_wal", "pg_xlog" /* up to 9.6 */};
    for (size_t i = 0; i < sizeof directories / sizeof *directories; i++) {
        char path[32];
        snprintf(path, sizeof path, "%s/archive_status", directories[i]);
        salvage->directory = directories[i];
        DIR *stream = opendir(path);
        if (stream || errno != ENOENT) {
            if (!stream)
                error_set_errno(error, ERROR_SYSTEM, "can't read %s", path);
            return stream;
        }
    }
    error_set(error, ERROR_USAGE,
              "there is neither pg_wal/archive_status nor pg_xlog here: run "
              "this in the data directory");
    return NULL;
}

static int find_ready(struct salvage *salvage, struct error *error)
{
    DIR *stream = open_status(salvage, error);
    int result = stream ? 0 : -1;
    size_t length;
    for (struct dirent *entry; result == 0 && (errno = 0, entry = readdir(stream));)
        if (is_ready(entry->d_name, &length))
            result = add(salvage, entry->d_name, length, error);
    if (result == 0 && errno)
        result = error_set_errno(error, ERROR_SYSTEM, "can't read archive_status");
    if (stream)
        closedir(stream);
    if (salvage->count)
        qsort(salvage->paths, salvage->count, sizeof *salvage->paths, compare);
    return result;
}

/* ---- what was in use ---- */

static bool has_status(const struct salvage *salvage, const char *name)
{
    static const char *const suffixes[] = {"ready", "done"};
    bool found = false;
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        char path[64 + WAL_NAME_MAX];
        snprintf(path, sizeof path, "%s/archive_status/%s.%s", salvage->directory, name,
                 suffixes[i]);
        found |= access(path, F_OK) == 0;
    }
    return found;
}

/* A segment that waits to be used holds nothing, or another one's WAL: then it does not fit its
 * name. */
static bool holds_wal(const struct salvage *salvage, const char *name)
{
    char path[64 + WAL_NAME_MAX];
    struct walfile file;
    struct error ignored;
    snprintf(path, sizeof path, "%s/%s", salvage->directory, name);
    if (walfile_open(&file, path, &ignored))
        return false;
    walfile_close(&file);
    return true;
}

/* By position, then by timeline. */
static bool is_newer(const char *name, const char *than)
{
    int order = *than ? strcmp(name + 8, than + 8) : 1;
    return order ? order > 0 : strcmp(name, than) > 0;
}

static int find_in_use(struct salvage *salvage, struct error *error)
{
    struct wal_name name;
    DIR *stream = opendir(salvage->directory);
    if (!stream)
        return error_set_errno(error, ERROR_SYSTEM, "can't read %s", salvage->directory);
    for (struct dirent *entry; (entry = readdir(stream));)
        if (wal_name_parse(entry->d_name, strlen(entry->d_name), &name) &&
            name.kind == WAL_SEGMENT && is_newer(name.text, salvage->in_use) &&
            !has_status(salvage, name.text) && holds_wal(salvage, name.text))
            snprintf(salvage->in_use, sizeof salvage->in_use, "%s", name.text);
    closedir(stream);
    return 0;
}

int salvage_find(struct salvage *salvage, struct error *error)
{
    *salvage = (struct salvage){.count = 0};
    return datadir_check(error) || datadir_check_owner(error) || datadir_check_stopped(error) ||
                   find_ready(salvage, error) || find_in_use(salvage, error)
               ? -1
               : 0;
}

void salvage_free(struct salvage *salvage)
{
    for (size_t i = 0; i < salvage->count; i++)
        free(salvage->paths[i]);
    free(salvage->paths);
    salvage->paths = NULL;
}

/* ---- archiving ---- */

struct tally {
    size_t archived, failed;
    enum error_class class; /* of the first that failed */
};

/* -1 when it makes no sense to go on. */
static int take_failure(struct tally *tally, const struct error *failure)
{
    bool of_the_file = failure->class == ERROR_REFUSED || failure->class == ERROR_CORRUPT;
    if (!of_the_file)
        return -1;
    log_warning("left: %s", failure->message);
    if (!tally->failed++)
        tally->class = failure->class;
    return 0;
}

static int push_each(struct archive *archive, char *const *paths, size_t count,
                     enum identity_new new, struct tally *tally, struct error *error)
{
    for (size_t i = 0; i < count; i++) {
        char *const one[] = {paths[i], NULL};
        if (archive_push(archive, one, new, error) == 0)
            tally->archived++;
        else if (take_failure(tally, error))
            return -1;
    }
    return 0;
}

/* Together, and one by one when that fails, which tells which it is. */
static int push_some(struct archive *archive, char *const *paths, size_t count,
                     enum identity_new new, struct tally *tally, struct error *error)
{
    char *some[STORAGE_BATCH_MAX + 1];
    memcpy(some, paths, count * sizeof *paths);
    some[count] = NULL;
    if (count > 1 && archive_push(archive, some, new, error) == 0) {
        tally->archived += count;
        return 0;
    }
    return push_each(archive, paths, count, new, tally, error);
}

static int push_all(struct archive *archive, const struct salvage *salvage, enum identity_new new,
                    struct tally *tally, struct error *error)
{
    size_t room = storage_has(archive->storage, STORAGE_BATCHES) ? STORAGE_BATCH_MAX : 1;
    for (size_t i = 0; i < salvage->count; i += room) {
        size_t left = salvage->count - i, count = left < room ? left : room;
        if (push_some(archive, salvage->paths + i, count, new, tally, error))
            return -1;
    }
    return 0;
}

int archive_salvage(struct archive *archive, const struct salvage *salvage, enum identity_new new,
                    struct error *error)
{
    struct tally tally = {.archived = 0};
    if (archive_open(archive, error))
        return -1;
    int result = push_all(archive, salvage, new, &tally, error);
    archive_close(archive);
    log_plain("%s has %zu of %zu files that were ready", archive->location, tally.archived,
              salvage->count);
    if (result)
        return error_prefix(error, "%zu files are left in %s: ", salvage->count - tally.archived,
                            salvage->directory);
    if (tally.failed)
        return error_set(error, tally.class, "%zu files are left in %s", tally.failed,
                         salvage->directory);
    return 0;
}
