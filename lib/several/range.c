#include "several/range.h"
#include "archive/existing.h"
#include "archive/fetch.h"
#include "several/fetch_several.h"
#include "several/several.h"
#include "survey/route.h"
#include "base/buf.h"
#include "base/file.h"
#include "crypto/sha256.h"
#include "run/pool.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct fetching {
    const struct archive *archives;
    size_t count;
    const struct range *range;
    const struct range_watch *watch;
    struct wal_name from, to;
    struct route route;
    uint64_t files, failed;
    enum error_class worst; /* of those that failed */
};

/* ---- in a worker: one file ---- */

static int digest_open_file(int fd, const char *path, uint64_t *size, char hex[SHA256_HEX_SIZE + 1],
                            struct error *error)
{
    struct stat status;
    if (fstat(fd, &status))
        return error_set_errno(error, ERROR_SYSTEM, "can't stat %s", path);
    if (!S_ISREG(status.st_mode))
        return error_set(error, ERROR_REFUSED, "%s is not a regular file", path);
    *size = (uint64_t)status.st_size;
    if (*size == 0)
        return sha256_hex("", 0, hex, error);
    void *data = mmap(NULL, *size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (data == MAP_FAILED)
        return error_set_errno(error, ERROR_SYSTEM, "can't map %s", path);
    int result = sha256_hex(data, *size, hex, error);
    munmap(data, *size);
    return result;
}

static int digest_file(const char *path, uint64_t *size, char hex[SHA256_HEX_SIZE + 1],
                       struct error *error)
{
    *size = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return error_set_errno(error, errno == ENOENT ? ERROR_MISSING : ERROR_SYSTEM,
                               "can't open %s", path);
    int result = digest_open_file(fd, path, size, hex, error);
    close(fd);
    return result;
}

static int compare_in(struct archive archive, const struct wal_name *name, uint64_t size,
                      const char *sha256, struct error *error)
{
    struct object_key key;
    if (archive_open(&archive, error))
        return -1;
    int result = archive_recognise(&archive, error);
    if (result == 0)
        result = existing_compare(&archive, name, size, sha256, &key, error);
    archive_close(&archive);
    return result;
}

/* With the first archive that can tell. 1: it is there, the same; 0: it is not there. */
static int compare(const struct fetching *fetching, const struct wal_name *name, const char *path,
                   struct error *error)
{
    uint64_t size;
    char hex[SHA256_HEX_SIZE + 1];
    int result = digest_file(path, &size, hex, error);
    if (result)
        return error->class == ERROR_MISSING ? 0 : -1;
    for (size_t i = 0; i < fetching->count; i++) {
        struct error own;
        result = compare_in(fetching->archives[i], name, size, hex, &own);
        bool tells = result == 0 || !(own.class == ERROR_MISSING || own.class == ERROR_CORRUPT ||
                                      own.class == ERROR_UNREACHABLE);
        if (result && (tells || i == 0 || own.class == ERROR_CORRUPT))
            *error = own;
        if (tells)
            break;
    }
    if (result && error->class == ERROR_REFUSED)
        error_prefix(error, "%s is there already: ", path);
    return result ? -1 : 1;
}

static int bring(const struct fetching *fetching, const struct wal_name *name, const char *path,
                 struct error *error)
{
    struct archive first = fetching->archives[0];
    if (fetching->count == 1)
        return archive_fetch(&first, name, path, 0, error);
    return fetch_several(fetching->archives, fetching->count, name, path, 0, error);
}

static int run(void *context, const char *job, struct buf *result, struct error *error)
{
    const struct fetching *fetching = context;
    struct wal_name name;
    struct buf path = {0};
    wal_name_parse(job, strlen(job), &name);
    int found = buf_printf(&path, error, "%s/%s", fetching->range->directory, job);
    if (found == 0)
        found = compare(fetching, &name, path.data, error);
    int failed = found < 0 || (found == 0 && bring(fetching, &name, path.data, error));
    buf_free(&path);
    return failed ? -1 : buf_printf(result, error, "%d", found ? RANGE_THERE : RANGE_BROUGHT);
}

/* ---- here: what came ---- */

static bool is_worse(enum error_class class, enum error_class than)
{
    const struct error both[] = {{.class = than}, {.class = class}};
    return several_worst(both, 2) == 1;
}

/* What is listed and then is not there is no proof of absence. */
static int take_failure(struct fetching *fetching, const struct error *failure, struct error *error)
{
    struct error own = *failure;
    if (own.class == ERROR_MISSING)
        own.class = ERROR_UNREACHABLE;
    if (own.class == ERROR_UNREACHABLE || own.class == ERROR_SYSTEM) {
        *error = own;
        return -1;
    }
    fetching->failed++;
    if (is_worse(own.class, fetching->worst))
        fetching->worst = own.class;
    fetching->watch->file(fetching->watch->context, RANGE_FAILED, 0, &own);
    return 0;
}

static int done(void *context, const char *job, const struct buf *result,
                const struct error *failure, struct error *error)
{
    struct fetching *fetching = context;
    struct wal_name name;
    if (failure)
        return take_failure(fetching, failure, error);
    bool segment = wal_name_parse(job, strlen(job), &name) && name.kind == WAL_SEGMENT;
    fetching->watch->file(fetching->watch->context, (enum range_outcome)atoi(result->data),
                          segment ? fetching->route.map->geometry.segment_size : 0, NULL);
    return 0;
}

static void tick(void *context)
{
    const struct fetching *fetching = context;
    fetching->watch->tick(fetching->watch->context);
}

/* ---- all that is on the way ---- */

static bool has_history(const struct fetching *fetching, uint32_t timeline)
{
    for (size_t i = 0; i < fetching->route.count; i++) {
        const struct inventory_timeline *found =
            inventory_find(&fetching->route.inventories[i], timeline);
        if (found && *found->history.text)
            return true;
    }
    return false;
}

static int submit_histories(struct fetching *fetching, struct pool *pool, struct error *error)
{
    char name[WAL_NAME_MAX + 1];
    uint32_t timeline;
    for (size_t i = 0; (timeline = route_history(&fetching->route, i)) != 0; i++) {
        if (!has_history(fetching, timeline))
            continue;
        snprintf(name, sizeof name, "%08" PRIX32 ".history", timeline);
        if (pool_submit(pool, name, error))
            return -1;
    }
    return 0;
}

static int submit_segments(struct fetching *fetching, struct pool *pool, struct error *error)
{
    const struct route *route = &fetching->route;
    uint64_t last;
    for (uint64_t number = route->first; number <= route->last; number = last + 1)
        if (route_look(route, number, &last) &&
            pool_submit(pool, route_name(route, number).text, error))
            return -1;
    return 0;
}

static void count_files(struct fetching *fetching)
{
    const struct route *route = &fetching->route;
    uint64_t last, segments = 0;
    uint32_t timeline;
    for (uint64_t number = route->first; number <= route->last; number = last + 1)
        segments += route_look(route, number, &last) != 0;
    fetching->files = segments;
    for (size_t i = 0; (timeline = route_history(route, i)) != 0; i++)
        fetching->files += has_history(fetching, timeline);
    fetching->watch->begin(fetching->watch->context, fetching->files,
                           segments * route->map->geometry.segment_size);
}

static int fetch_all(struct fetching *fetching, struct error *error)
{
    const struct pool_work work = {.workers = fetching->range->jobs,
                                   .timeout = fetching->archives[0].options.timeout,
                                   .context = fetching,
                                   .run = run,
                                   .done = done,
                                   .tick = tick};
    count_files(fetching);
    struct pool *pool = pool_open(&work, error);
    if (!pool)
        return -1;
    int result = submit_histories(fetching, pool, error) ||
                         submit_segments(fetching, pool, error) || pool_finish(pool, error)
                     ? -1
                     : 0;
    pool_close(pool);
    return result;
}

/* Of several holes the first is named. */
static int judge(const struct fetching *fetching, struct error *error)
{
    const struct route *route = &fetching->route;
    uint64_t last, first_missing = 0, last_missing = 0, missing = 0;
    for (uint64_t number = route->first; number <= route->last; number = last + 1) {
        if (route_look(route, number, &last))
            continue;
        if (!missing) {
            first_missing = number;
            last_missing = last;
        }
        missing += last - number + 1;
    }
    if (fetching->failed)
        return error_set(error, fetching->worst, "%" PRIu64 " of %" PRIu64 " files did not come",
                         fetching->failed, fetching->files);
    if (missing)
        return error_set(error, ERROR_UNREACHABLE,
                         "%s to %s %s not in the archive%s; all else that is there has "
                         "come (%" PRIu64 " missing, %" PRIu64 " files)",
                         route_name(route, first_missing).text,
                         route_name(route, last_missing).text,
                         last_missing == first_missing ? "is" : "are",
                         missing > last_missing - first_missing + 1 ? ", and there are more" : "",
                         missing, fetching->files);
    return 0;
}

static int parse(const char *text, const char *option, struct wal_name *name, struct error *error)
{
    if (wal_name_parse(text, strlen(text), name) && name->kind == WAL_SEGMENT)
        return 0;
    return error_set(error, ERROR_USAGE, "--%s: \"%s\" is not the name of a WAL segment", option,
                     text);
}

static int parse_range(struct fetching *fetching, struct error *error)
{
    const struct range *range = fetching->range;
    return parse(range->from, "from", &fetching->from, error) ||
                   (range->to && parse(range->to, "to", &fetching->to, error))
               ? -1
               : 0;
}

static int follow(struct fetching *fetching, const struct inventory *inventories, size_t readable,
                  struct error *error)
{
    const struct wal_name *to = fetching->range->to ? &fetching->to : NULL;
    if (route_find(inventories, readable, &fetching->from, to, &fetching->route, error) ||
        fetch_all(fetching, error))
        return -1;
    return judge(fetching, error);
}

/* ---- the archives ---- */

static int look_at(void *context, struct archive *archive, struct error *error)
{
    struct inventory inventory = {.has_geometry = false};
    (void)context;
    if (archive_open(archive, error))
        return -1;
    int result = archive_recognise(archive, error);
    if (result == 0)
        result = inventory_geometry(archive, &inventory, error) < 0 ? -1 : 0;
    archive_close(archive);
    return result;
}

static int read_inventory(struct archive archive, struct inventory *inventory, struct error *error)
{
    if (archive_open(&archive, error))
        return -1;
    int result =
        inventory_read(&archive, &(struct selection_text){.from = NULL}, 0, inventory, error);
    archive_close(&archive);
    return result;
}

/* What one archive lacks is taken from another only when both are the same cluster's. */
static int check_cluster(const struct inventory *first, const struct inventory *other,
                         const char *location, struct error *error)
{
    uint64_t cluster = first->system_identifier, others = other->system_identifier;
    if (!cluster || !others || cluster == others)
        return 0;
    return error_set(error, ERROR_REFUSED,
                     "%s belongs to the cluster with system identifier %" PRIu64
                     ", the archive before it to %" PRIu64,
                     location, others, cluster);
}

/* Of those that answer; when none does, why the first does not. */
static int read_inventories(const struct fetching *fetching, struct inventory *inventories,
                            struct error *failures, size_t *readable, struct error *error)
{
    const struct several_work work = {look_at, NULL, fetching->count};
    struct error failure;
    *readable = 0;
    if (fetching->count > 1 &&
        several_run(fetching->archives, fetching->count, &work, failures, error))
        return -1;
    for (size_t i = 0; i < fetching->count; i++) {
        if (failures[i].class == ERROR_NONE &&
            read_inventory(fetching->archives[i], &inventories[*readable], &failure) == 0) {
            if (check_cluster(&inventories[0], &inventories[(*readable)++],
                              fetching->archives[i].location, error))
                return -1;
            continue;
        }
        if (failures[i].class == ERROR_NONE)
            failures[i] = failure;
        inventory_free(&inventories[*readable]);
    }
    if (*readable)
        return 0;
    *error = failures[several_worst(failures, fetching->count)];
    return -1;
}

static int check_directory(const char *path, struct error *error)
{
    struct stat status;
    if (stat(path, &status))
        return error_set_errno(error, errno == ENOENT ? ERROR_USAGE : ERROR_SYSTEM,
                               "can't bring files to %s", path);
    return S_ISDIR(status.st_mode) ? 0
                                   : error_set(error, ERROR_USAGE, "%s is not a directory", path);
}

int archive_fetch_range(const struct archive *archives, size_t archive_count,
                        const struct range *range, const struct range_watch *watch,
                        struct error *error)
{
    struct fetching fetching = {
        .archives = archives, .count = archive_count, .range = range, .watch = watch};
    size_t readable = 0;
    if (parse_range(&fetching, error) || check_directory(range->directory, error))
        return -1;
    struct inventory *inventories = calloc(archive_count, sizeof *inventories);
    struct error *failures = calloc(archive_count, sizeof *failures);
    int result = !inventories || !failures
                     ? error_memory(error)
                     : read_inventories(&fetching, inventories, failures, &readable, error);
    if (result == 0)
        result = follow(&fetching, inventories, readable, error);
    for (size_t i = 0; i < readable; i++)
        inventory_free(&inventories[i]);
    free(inventories);
    free(failures);
    if (result && error->class == ERROR_MISSING)
        error->class = ERROR_UNREACHABLE;
    return result;
}
