#include "several/copier.h"
#include "archive/existing.h"
#include "archive/fetch.h"
#include "archive/outgoing.h"
#include "archive/walfile.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/log.h"
#include "crypto/sha256.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool copier_has(uint64_t bits, size_t index)
{
    return bits >> index & 1;
}

void copier_write_job(const struct wal_name *name, uint64_t has, uint64_t lacks,
                      char job[COPIER_JOB_SIZE])
{
    snprintf(job, COPIER_JOB_SIZE, "%s %" PRIx64 " %" PRIx64, name->text, has, lacks);
}

static struct archive *open_archive(struct copier *copier, size_t index, struct error *error)
{
    struct archive *archive = &copier->open[index];
    if (archive->storage)
        return archive;
    *archive = copier->archives[index];
    if (archive_open(archive, error) == 0 && archive_recognise(archive, error) == 0)
        return archive;
    archive_close(archive);
    error_prefix(error, "%s: ", copier->archives[index].location);
    return NULL;
}

/* One file, as its job says. */
struct errand {
    struct wal_name name;
    uint64_t has, lacks;
    char *path; /* where it is on its way */
    struct label label;
    size_t from;
    uint64_t size; /* of its content, bytes */
};

/* From the first archive that has it whole. A copy that is damaged is told of: it stays. */
static int take_file(struct copier *copier, struct errand *errand, struct error *error)
{
    for (size_t i = 0; i < copier->count; i++) {
        if (!copier_has(errand->has, i))
            continue;
        struct archive *archive = open_archive(copier, i, error);
        errand->from = i;
        if (!archive)
            return -1;
        if (archive_fetch_labelled(archive, &errand->name, errand->path, &errand->label, error) ==
            0)
            return 0;
        error_prefix(error, "%s: ", archive->location);
        if (error->class != ERROR_CORRUPT)
            return -1;
        if (errand->has >> i > 1)
            log_warning("%s; move that object away and run this again", error->message);
    }
    return -1;
}

static int commit(struct archive *archive, struct outgoing *outgoing, struct error *error)
{
    struct object_key key;
    if (outgoing_commit(archive, outgoing, 1, error) == 0)
        return 0;
    return error->class != ERROR_EXISTS ||
                   existing_compare(archive, &outgoing->name, outgoing->size,
                                    outgoing->label.raw_sha256, &key, error)
               ? -1
               : 0;
}

static int put_file(struct archive *archive, struct walfile *file, uint64_t owner,
                    struct error *error)
{
    struct outgoing outgoing;
    if (file->system_identifier != owner)
        return error_set(error, ERROR_REFUSED, "it is another cluster's");
    int result = outgoing_prepare(&outgoing, archive, file, error);
    if (result == 0)
        result = commit(archive, &outgoing, error);
    outgoing_close(&outgoing);
    return result;
}

/* An empty directory where an archive was mounted a moment ago would take it all the same. */
static int check_owner(const struct copier *copier, const struct archive *archive,
                       struct error *error)
{
    if (archive->owner == copier->owner)
        return 0;
    return error_set(error, ERROR_UNREACHABLE,
                     "%s: it is no longer the archive of cluster %" PRIu64 ": is it mounted?",
                     archive->location, copier->owner);
}

static int put_into(struct copier *copier, struct errand *errand, size_t index, struct error *error)
{
    struct walfile file;
    struct archive *archive = open_archive(copier, index, error);
    if (!archive || check_owner(copier, archive, error) ||
        walfile_open_known(&file, errand->path, copier->owner, error))
        return -1;
    if (*errand->label.name)
        file.archived = errand->label.time;
    errand->size = file.size;
    int result = put_file(archive, &file, copier->owner, error);
    walfile_close(&file);
    if (result)
        return error_prefix(error, "%s: %s: ", archive->location, errand->name.text);
    log_info("copied %s from %s to %s", errand->name.text, copier->archives[errand->from].location,
             archive->location);
    return 0;
}

static int put_everywhere(struct copier *copier, struct errand *errand, struct buf *result,
                          struct error *error)
{
    uint64_t copies = 0;
    for (size_t i = 0; i < copier->count; i++) {
        if (!copier_has(errand->lacks, i))
            continue;
        if (put_into(copier, errand, i, error))
            return -1;
        copies++;
    }
    return buf_printf(result, error, "%" PRIu64 " %" PRIu64, copies, copies * errand->size);
}

/* Is it the same wherever it is? */
static int compare_everywhere(struct copier *copier, const struct errand *errand,
                              struct error *error)
{
    struct walfile file;
    const void *data;
    ssize_t n;
    char sha256[SHA256_HEX_SIZE + 1];
    struct object_key key;
    if (walfile_open_known(&file, errand->path, copier->owner, error))
        return -1;
    while ((n = walfile_next(&file, &data, error)) > 0)
        ;
    int result = n < 0 ? -1 : walfile_sha256(&file, sha256, error);
    for (size_t i = errand->from + 1; i < copier->count && result == 0; i++) {
        if (!copier_has(errand->has, i))
            continue;
        struct archive *archive = open_archive(copier, i, error);
        result =
            archive ? existing_compare(archive, &file.name, file.size, sha256, &key, error) : -1;
        if (result && archive)
            error_prefix(error, "%s, compared with %s: ", archive->location,
                         copier->archives[errand->from].location);
    }
    walfile_close(&file);
    return result;
}

static int do_errand(struct copier *copier, struct errand *errand, struct buf *result,
                     struct error *error)
{
    if (take_file(copier, errand, error))
        return -1;
    bool compares = errand->name.kind == WAL_HISTORY || !errand->lacks;
    if (compares && compare_everywhere(copier, errand, error))
        return -1;
    return put_everywhere(copier, errand, result, error);
}

int copier_run(struct copier *copier, const char *job, struct buf *result, struct error *error)
{
    struct errand errand = {.has = 0};
    char name[WAL_NAME_MAX + 1];
    sscanf(job, "%*s %" SCNx64 " %" SCNx64, &errand.has, &errand.lacks);
    snprintf(name, sizeof name, "%.*s", (int)strcspn(job, " "), job);
    wal_name_parse(name, strlen(name), &errand.name);
    if (asprintf(&errand.path, "%s/%s", copier->scratch, name) < 0)
        return error_memory(error);
    int failed = do_errand(copier, &errand, result, error);
    unlink(errand.path);
    free(errand.path);
    /* What was listed and is not there is no proof of absence. */
    if (failed && error->class == ERROR_MISSING)
        error->class = ERROR_UNREACHABLE;
    return failed;
}

void copier_close(struct copier *copier)
{
    for (size_t i = 0; i < copier->count; i++)
        if (copier->open[i].storage)
            archive_close(&copier->open[i]);
}
