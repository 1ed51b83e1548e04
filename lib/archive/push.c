#include "archive/push.h"
#include "archive/datadir.h"
#include "archive/existing.h"
#include "archive/memory.h"
#include "archive/outgoing.h"
#include "archive/timeline.h"
#include "archive/walfile.h"
#include "base/error.h"
#include "base/log.h"
#include "crypto/sha256.h"

#include <stdlib.h>
#include <string.h>

/* ---- names that are taken ---- */

static int digest(struct walfile *file, char *sha256, struct error *error)
{
    const void *data;
    ssize_t n;
    while ((n = walfile_next(file, &data, error)) > 0)
        ;
    return n < 0 ? -1 : walfile_sha256(file, sha256, error);
}

static int compare(struct archive *archive, const struct wal_name *name, uint64_t size,
                   const char *sha256, struct error *error)
{
    struct object_key key;
    if (existing_compare(archive, name, size, sha256, &key, error))
        return -1;
    log_info("%s is already archived", key.text);
    return 0;
}

/* A server archives a history file before any WAL of its timeline. When there is such WAL already,
 * two servers have chosen the same timeline. */
static int check_timeline(struct archive *archive, const struct wal_name *name, struct error *error)
{
    struct object_key wal;
    if (name->kind != WAL_HISTORY)
        return 0;
    int used = timeline_has_wal(archive, name->timeline, &wal, error);
    if (used <= 0)
        return used;
    return error_set(
        error, ERROR_REFUSED,
        "the archive has WAL of this timeline already, such as %s, but not its history "
        "file: another server uses the timeline; nothing was changed",
        wal.text);
}

/* ---- one file ---- */

/* Where each look costs as much as the push, segments are pushed without one, since their names are
 * nearly always new: the commit tells when one is not. What only a look can see, the same name in
 * another coding, is then seen when the archive is confirmed again, or the coding is another. */
static bool pushes_blindly(const struct walfile *file, const struct memory *memory)
{
    return memory->fresh && (file->name.kind == WAL_SEGMENT || file->name.kind == WAL_BACKUP);
}

static int confirm(struct archive *archive, const struct walfile *file, enum identity_new new,
                   const struct memory *memory, struct error *error)
{
    if (memory->fresh && new != IDENTITY_BY_ORDER)
        return 0;
    if (memory->known && new == IDENTITY_IF_UNUSED)
        new = IDENTITY_REMEMBERED;
    return identity_confirm(archive, file->system_identifier, file->path, new, error);
}

/* ---- several files: what is to go in is committed together, where that costs no more ---- */

struct batch {
    struct archive *archive;
    size_t room; /* how many are committed at once */
    struct outgoing list[STORAGE_BATCH_MAX];
    const char *paths[STORAGE_BATCH_MAX];
    size_t count;
    struct memory memory; /* as it was before the last file */
    uint64_t system_identifier;
};

static void report(const struct outgoing *outgoing)
{
    log_info("archived %s", outgoing->key.text);
    if (outgoing->magic)
        log_warning("%s: its WAL magic %04X is newer than any this program knows; archived all "
                    "the same, as the rest fits",
                    outgoing->key.text, outgoing->magic);
}

/* One by one; a name that is taken may be taken by the same content. */
static int commit_each(struct batch *batch, struct error *error)
{
    for (size_t i = 0; i < batch->count; i++) {
        struct outgoing *outgoing = &batch->list[i];
        if (outgoing_commit(batch->archive, outgoing, 1, error) == 0)
            report(outgoing);
        else if (error->class != ERROR_EXISTS ||
                 compare(batch->archive, &outgoing->name, outgoing->size,
                         outgoing->label.raw_sha256, error))
            return error_prefix(error, "%s: ", batch->paths[i]);
    }
    return 0;
}

static int commit_all(struct batch *batch, struct error *error)
{
    if (batch->count < 2)
        return commit_each(batch, error);
    if (outgoing_commit(batch->archive, batch->list, batch->count, error))
        return error->class == ERROR_EXISTS
                   ? commit_each(batch, error)
                   : error_prefix(error, "%s and later: ", batch->paths[0]);
    for (size_t i = 0; i < batch->count; i++)
        report(&batch->list[i]);
    return 0;
}

static int flush(struct batch *batch, struct error *error)
{
    int result = commit_all(batch, error);
    for (size_t i = 0; i < batch->count; i++)
        outgoing_close(&batch->list[i]);
    batch->count = 0;
    return result;
}

/* What was learnt is kept only when all has gone well: a file that is refused teaches nothing. */
static int settle(struct batch *batch, struct error *error)
{
    if (flush(batch, error))
        return -1;
    memory_keep(batch->archive, batch->system_identifier, &batch->memory);
    return 0;
}

/* It may be seen to exist before the file was read to its end. */
static int resolve(struct batch *batch, struct walfile *file, struct outgoing *outgoing,
                   struct error *error)
{
    char *sha256 = outgoing->label.raw_sha256;
    if (error->class != ERROR_EXISTS || (!*sha256 && digest(file, sha256, error)))
        return -1;
    return compare(batch->archive, &file->name, file->size, sha256, error);
}

static int add_new(struct batch *batch, struct walfile *file, struct error *error)
{
    struct outgoing *outgoing = &batch->list[batch->count];
    if (check_timeline(batch->archive, &file->name, error))
        return -1;
    if (outgoing_prepare(outgoing, batch->archive, file, error)) {
        int result = resolve(batch, file, outgoing, error);
        outgoing_close(outgoing);
        return result;
    }
    batch->paths[batch->count++] = file->path;
    return 0;
}

static int add(struct batch *batch, struct walfile *file, enum identity_new new,
               struct error *error)
{
    struct existing existing = {.count = 0};
    char sha256[SHA256_HEX_SIZE + 1];
    if (confirm(batch->archive, file, new, &batch->memory, error) ||
        (!pushes_blindly(file, &batch->memory) &&
         existing_find(batch->archive, &file->name, &existing, error)))
        return -1;
    if (!existing.count)
        return add_new(batch, file, error);
    return digest(file, sha256, error) ||
                   compare(batch->archive, &file->name, file->size, sha256, error)
               ? -1
               : 0;
}

static int add_path(struct batch *batch, const char *path, enum identity_new new,
                    struct error *error)
{
    struct walfile file;
    int result = walfile_open(&file, path, error);
    if (result == 0) {
        batch->system_identifier = file.system_identifier;
        memory_free(&batch->memory);
        memory_recall(batch->archive, file.system_identifier, &batch->memory);
        result = add(batch, &file, new, error);
        walfile_close(&file);
    }
    return result ? error_prefix(error, "%s: ", path) : 0;
}

/* One name is never committed twice at once: the second is held against what the first has become.
 */
static bool holds_name(const struct batch *batch, const char *path)
{
    for (size_t i = 0; i < batch->count; i++)
        if (strcmp(basename(batch->paths[i]), basename(path)) == 0)
            return true;
    return false;
}

/* What was prepared before a failure goes in all the same. */
static int push_all(struct batch *batch, char *const *paths, enum identity_new new,
                    struct error *error)
{
    struct error later;
    for (; *paths; paths++) {
        if (holds_name(batch, *paths) && settle(batch, error))
            return -1;
        if (add_path(batch, *paths, new, &later)) {
            if (flush(batch, error) == 0)
                *error = later;
            return -1;
        }
        if ((batch->count == batch->room || !batch->count) && settle(batch, error))
            return -1;
    }
    return settle(batch, error);
}

int archive_push(struct archive *archive, char *const *paths, enum identity_new new,
                 struct error *error)
{
    struct batch *batch = calloc(1, sizeof *batch);
    if (!batch)
        return error_memory(error);
    batch->archive = archive;
    batch->room = storage_has(archive->storage, STORAGE_BATCHES) ? STORAGE_BATCH_MAX : 1;
    int result = push_all(batch, paths, new, error);
    memory_free(&batch->memory);
    free(batch);
    /* What an archive loses while something is put into it is not "absent". */
    if (result && error->class == ERROR_MISSING)
        error->class = ERROR_UNREACHABLE;
    return result;
}

int archive_init(struct archive *archive, struct error *error)
{
    uint64_t system_identifier;
    if (datadir_system_identifier("", &system_identifier, error) || datadir_check_owner(error) ||
        identity_confirm(archive, system_identifier, "", IDENTITY_BY_ORDER, error))
        return -1;
    return identity_settle(archive, error);
}
