#include "several/compare.h"
#include "archive/existing.h"
#include "survey/inventory.h"
#include "several/merge.h"
#include "several/peers.h"
#include "base/array.h"
#include "base/error.h"
#include "run/pool.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct compare {
    const struct archive *archives; /* not open */
    struct archive open[MERGE_MAX]; /* of a worker */
    struct peers peers;
    struct wal_geometry geometry;
    struct pool *pool; /* NULL: names alone */
    struct comparison *comparison;
    uint64_t front[MERGE_MAX]; /* number of each archive's first segment; UINT64_MAX: it has none */
    size_t open_lack[MERGE_MAX]; /* 1 + index of the lack that may go on; 0: none */
};

static bool has_it(uint64_t has, size_t index)
{
    return has >> index & 1;
}

/* ---- contents: in a worker ---- */

static struct archive *open_archive(struct compare *compare, size_t index, struct error *error)
{
    struct archive *archive = &compare->open[index];
    if (archive->storage)
        return archive;
    *archive = compare->archives[index];
    if (archive_open(archive, error) == 0 && archive_recognise(archive, error) == 0)
        return archive;
    archive_close(archive);
    return NULL;
}

static int describe(struct compare *compare, size_t index, const struct wal_name *name,
                    struct existing_content *content, struct error *error)
{
    struct existing existing;
    struct archive *archive = open_archive(compare, index, error);
    if (!archive || existing_find(archive, name, &existing, error))
        return error_prefix(error, "%s: ", compare->archives[index].location);
    if (existing.count == 0)
        return error_set(error, ERROR_MISSING, "%s: %s has just gone", archive->location,
                         name->text);
    if (existing_describe(archive, existing.keys[0].text, name, content, error))
        return error_prefix(error, "%s/%s: ", archive->location, existing.keys[0].text);
    return 0;
}

static int differ(const char *one, const struct existing_content *content, const char *other,
                  const struct existing_content *others, struct error *error)
{
    return error_set(error, ERROR_REFUSED,
                     "%s has %" PRIu64 " bytes with SHA-256 %.16s%s%s, %s has %" PRIu64
                     " bytes with SHA-256 %.16s%s%s",
                     one, content->size, content->sha256, *content->time ? ", archived " : "",
                     content->time, other, others->size, others->sha256,
                     *others->time ? ", archived " : "", others->time);
}

/* A job is "NAME BITS", the file and who has it. */
static int run(void *context, const char *job, struct buf *result, struct error *error)
{
    struct compare *compare = context;
    struct existing_content first, next;
    struct wal_name name;
    size_t length = strcspn(job, " "), from = MERGE_MAX;
    uint64_t has = strtoull(job + length, NULL, 16);
    (void)result;
    wal_name_parse(job, length, &name);
    for (size_t i = 0; i < compare->peers.count; i++) {
        if (!has_it(has, i))
            continue;
        if (describe(compare, i, &name, from == MERGE_MAX ? &first : &next, error))
            return -1;
        if (from == MERGE_MAX)
            from = i;
        else if (first.size != next.size || strcmp(first.sha256, next.sha256) != 0)
            return differ(compare->archives[from].location, &first, compare->archives[i].location,
                          &next, error);
    }
    return 0;
}

static void leave(void *context)
{
    struct compare *compare = context;
    for (size_t i = 0; i < compare->peers.count; i++)
        if (compare->open[i].storage)
            archive_close(&compare->open[i]);
}

/* ---- contents: here ---- */

static int add_difference(struct comparison *comparison, const struct wal_name *name,
                          const char *problem, struct error *error)
{
    void *more =
        array_reserve(comparison->differences, comparison->difference_count,
                      &comparison->difference_room, sizeof *comparison->differences, error);
    if (!more)
        return -1;
    comparison->differences = more;
    char *copy = strdup(problem);
    if (!copy)
        return error_memory(error);
    comparison->differences[comparison->difference_count++] =
        (struct compare_difference){*name, copy};
    return 0;
}

static int done(void *context, const char *job, const struct buf *result,
                const struct error *failure, struct error *error)
{
    struct compare *compare = context;
    struct wal_name name;
    (void)result;
    compare->comparison->compared++;
    if (!failure || failure->class == ERROR_MISSING ||
        !wal_name_parse(job, strcspn(job, " "), &name))
        return 0;
    if (failure->class == ERROR_REFUSED || failure->class == ERROR_CORRUPT)
        return add_difference(compare->comparison, &name, failure->message, error);
    *error = *failure;
    return -1;
}

static int submit(struct compare *compare, const struct wal_name *name, uint64_t has,
                  struct error *error)
{
    char job[WAL_NAME_MAX + 32];
    snprintf(job, sizeof job, "%s %" PRIx64, name->text, has);
    return pool_submit(compare->pool, job, error);
}

/* ---- who lacks what ---- */

static int add_lack(struct compare *compare, size_t archive, const struct wal_name *name,
                    struct error *error)
{
    struct comparison *comparison = compare->comparison;
    void *more = array_reserve(comparison->lacks, comparison->lack_count, &comparison->lack_room,
                               sizeof *comparison->lacks, error);
    if (!more)
        return -1;
    comparison->lacks = more;
    comparison->lacks[comparison->lack_count++] = (struct compare_lack){archive, *name, *name, 1};
    return 0;
}

/* A run of segments is one lack. */
static int lack(struct compare *compare, size_t archive, const struct wal_name *name,
                uint64_t number, struct error *error)
{
    size_t *open = &compare->open_lack[archive];
    struct compare_lack *last = *open ? &compare->comparison->lacks[*open - 1] : NULL;
    uint64_t before;
    if (name->kind != WAL_SEGMENT)
        return add_lack(compare, archive, name, error);
    if (last && last->last.timeline == name->timeline &&
        wal_geometry_number(&compare->geometry, &last->last, &before) && number == before + 1) {
        last->last = *name;
        last->count++;
        return 0;
    }
    if (add_lack(compare, archive, name, error))
        return -1;
    *open = compare->comparison->lack_count;
    return 0;
}

static int visit(void *context, const struct wal_name *name, uint64_t has, struct error *error)
{
    struct compare *compare = context;
    uint64_t number = 0;
    bool numbered = wal_geometry_number(&compare->geometry, name, &number);
    if (!numbered && name->kind != WAL_HISTORY)
        return 0;
    compare->comparison->files++;
    for (size_t i = 0; i < compare->peers.count; i++) {
        if (!has_it(has, i) && lack(compare, i, name, number, error))
            return -1;
        if (has_it(has, i) && name->kind == WAL_SEGMENT && number < compare->front[i])
            compare->front[i] = number;
    }
    bool shared = (has & (has - 1)) != 0;
    return shared && compare->pool ? submit(compare, name, has, error) : 0;
}

/* ---- once more ---- */

/* Clips what lies before the archive's first segment. False when nothing is left. One without any
 * segment has lost them all, or never had them: walclean leaves some. */
static bool clip(const struct compare *compare, struct compare_lack *lack)
{
    uint64_t first, last, front = compare->front[lack->archive];
    if (lack->first.kind == WAL_HISTORY || front == UINT64_MAX)
        return true;
    if (!wal_geometry_number(&compare->geometry, &lack->first, &first) ||
        !wal_geometry_number(&compare->geometry, &lack->last, &last) || first >= front)
        return true;
    if (last < front)
        return false;
    lack->first = wal_geometry_name(&compare->geometry, lack->first.timeline, front);
    lack->count -= front - first;
    return true;
}

/* 1: the first and the last of them are there now, so they have been pushed meanwhile. The last
 * alone may be what an archive was given first when it was back. */
static int came(struct compare *compare, const struct compare_lack *lack, struct error *error)
{
    struct archive *archive = &compare->peers.list[lack->archive];
    struct existing existing;
    if (existing_find(archive, &lack->last, &existing, error))
        return -1;
    if (existing.count == 0)
        return 0;
    if (existing_find(archive, &lack->first, &existing, error))
        return -1;
    return existing.count > 0;
}

static int look_again(struct compare *compare, struct error *error)
{
    struct comparison *comparison = compare->comparison;
    size_t kept = 0;
    for (size_t i = 0; i < comparison->lack_count; i++) {
        struct compare_lack lack = comparison->lacks[i];
        int is_there = clip(compare, &lack) ? came(compare, &lack, error) : 1;
        if (is_there < 0)
            return -1;
        if (!is_there)
            comparison->lacks[kept++] = lack;
    }
    comparison->lack_count = kept;
    return 0;
}

/* ---- all of it ---- */

static int compare_all(struct compare *compare, enum compare_depth depth, size_t jobs,
                       struct error *error)
{
    const struct pool_work work = {.workers = jobs,
                                   .timeout = compare->archives[0].options.timeout,
                                   .context = compare,
                                   .run = run,
                                   .leave = leave,
                                   .done = done};
    if (depth == COMPARE_CONTENT && !(compare->pool = pool_open(&work, error)))
        return -1;
    int result = archive_merge(compare->peers.list, compare->peers.count, visit, compare, error);
    if (result == 0 && compare->pool)
        result = pool_finish(compare->pool, error);
    pool_close(compare->pool);
    return result ? result : look_again(compare, error);
}

static int learn_geometry(struct compare *compare, struct error *error)
{
    struct inventory inventory = INVENTORY_EMPTY;
    int found = 0;
    for (size_t i = 0; i < compare->peers.count && found == 0; i++)
        found = inventory_geometry(&compare->peers.list[i], &inventory, error);
    compare->geometry = inventory.geometry;
    return found < 0 ? -1 : 0;
}

int archive_compare(const struct archive *archives, size_t count, enum compare_depth depth,
                    size_t jobs, struct comparison *comparison, struct error *error)
{
    *comparison = (struct comparison){.files = 0};
    struct compare *compare = calloc(1, sizeof *compare);
    if (!compare)
        return error_memory(error);
    compare->comparison = comparison;
    compare->archives = archives;
    int result = peers_open(&compare->peers, archives, count, error);
    for (size_t i = 0; i < MERGE_MAX; i++)
        compare->front[i] = UINT64_MAX;
    if (result == 0)
        result =
            learn_geometry(compare, error) || compare_all(compare, depth, jobs, error) ? -1 : 0;
    peers_close(&compare->peers);
    free(compare);
    return result;
}

bool comparison_is_same(const struct comparison *comparison)
{
    return comparison->lack_count == 0 && comparison->difference_count == 0;
}

void comparison_free(struct comparison *comparison)
{
    for (size_t i = 0; i < comparison->difference_count; i++)
        free(comparison->differences[i].problem);
    free(comparison->differences);
    free(comparison->lacks);
    *comparison = (struct comparison){.files = 0};
}
