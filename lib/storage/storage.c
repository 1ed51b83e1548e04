#include "storage/storage.h"
#include "base/error.h"
#include "storage/backend.h"

#include <fnmatch.h>
#include <string.h>

/* A location belongs to the first kind whose pattern (fnmatch(3)) it fits. */
static const struct storage_kind {
    const char *pattern;
    size_t skip; /* bytes of the location that the backend is not given */
    bool needs_secrets;
    struct storage *(*open)(const char *location, const struct storage_options *options,
                            struct error *error);
} kinds[] = {
    {"/*", 0, false, file_storage_open},
    {"./*", 0, false, file_storage_open},
    {"../*", 0, false, file_storage_open},
    {"file:///*", sizeof "file://" - 1, false, file_storage_open},
    {"s3://*", sizeof "s3://" - 1, true, s3_storage_open},
    {"rsync://*", 0, true, rsync_storage_open},
    {"*:*", 0, false, rsync_storage_open}, /* user@host:/path */
};

static const struct storage_kind *find_kind(const char *location)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (fnmatch(kinds[i].pattern, location, 0) == 0)
            return &kinds[i];
    return NULL;
}

bool storage_needs_secrets(const char *location)
{
    const struct storage_kind *kind = find_kind(location);
    return kind && kind->needs_secrets;
}

struct storage *storage_open(const char *location, const struct storage_options *options,
                             struct error *error)
{
    const struct storage_kind *kind = find_kind(location);
    if (kind)
        return kind->open(location + kind->skip, options, error);
    error_set(error, ERROR_USAGE,
              "\"%s\" is no archive: give a directory (/path, ./path or file:///path), "
              "user@host:/path, rsync://host/module, s3://bucket/prefix or the name of a section "
              "of waltools.conf",
              location);
    return NULL;
}

void storage_close(struct storage *storage)
{
    if (storage)
        storage->operations->close(storage);
}

bool storage_has(const struct storage *storage, enum storage_trait trait)
{
    return (storage->operations->traits & trait) != 0;
}

int storage_notes(struct storage *storage, struct buf *scope, struct buf *notes,
                  struct error *error)
{
    return storage->operations->notes ? storage->operations->notes(storage, scope, notes, error)
                                      : 0;
}

void storage_recall(struct storage *storage, const char *notes, enum storage_belief belief)
{
    if (storage->operations->recall)
        storage->operations->recall(storage, notes, belief);
}

struct storage_upload *storage_upload(struct storage *storage, const char *key, size_t head_size,
                                      struct error *error)
{
    return storage->operations->upload(storage, key, head_size, error);
}

int storage_upload_write(struct storage_upload *upload, const void *data, size_t size,
                         struct error *error)
{
    return upload->storage->operations->upload_write(upload, data, size, error);
}

int storage_upload_commit(struct storage_upload *upload, const struct storage_commit *commit,
                          struct error *error)
{
    return upload->storage->operations->upload_commit(upload, commit, error);
}

int storage_commit_all(struct storage *storage, struct storage_upload *const *uploads,
                       const struct storage_commit *commits, size_t count, struct error *error)
{
    if (storage->operations->commit_all && count > 1)
        return storage->operations->commit_all(storage, uploads, commits, count, error);
    for (size_t i = 0; i < count; i++)
        if (storage_upload_commit(uploads[i], &commits[i], error))
            return -1;
    return 0;
}

void storage_upload_close(struct storage_upload *upload)
{
    if (upload)
        upload->storage->operations->upload_close(upload);
}

int storage_put(struct storage *storage, const char *key, const void *data, size_t size,
                const char *digest, struct error *error)
{
    struct storage_upload *upload = storage_upload(storage, key, 0, error);
    if (!upload)
        return -1;
    int result = storage_upload_write(upload, data, size, error);
    if (result == 0)
        result = storage_upload_commit(upload, &(struct storage_commit){.digest = digest}, error);
    storage_upload_close(upload);
    return result;
}

int storage_settle(struct storage *storage, const char *key, struct error *error)
{
    return storage->operations->settle(storage, key, error);
}

int storage_stat(struct storage *storage, const char *key, struct storage_status *status,
                 struct error *error)
{
    *status = (struct storage_status){0};
    return storage->operations->stat(storage, key, status, error);
}

struct storage_download *storage_download(struct storage *storage, const char *key,
                                          struct error *error)
{
    return storage->operations->download(storage, key, error);
}

uint64_t storage_download_size(const struct storage_download *download)
{
    return download->size;
}

ssize_t storage_download_read(struct storage_download *download, void *data, size_t size,
                              struct error *error)
{
    return download->storage->operations->download_read(download, data, size, error);
}

void storage_download_close(struct storage_download *download)
{
    if (download)
        download->storage->operations->download_close(download);
}

static ssize_t download_source_read(void *context, void *data, size_t size, struct error *error)
{
    return storage_download_read(context, data, size, error);
}

struct source storage_download_source(struct storage_download *download)
{
    return (struct source){download_source_read, download};
}

int storage_list(struct storage *storage, const struct storage_query *query, storage_visit *visit,
                 void *context, struct error *error)
{
    const struct storage_query whole = {query->directory ? query->directory : "",
                                        query->prefix ? query->prefix : "",
                                        query->after ? query->after : "", query->wanted};
    return storage->operations->list(storage, &whole, visit, context, error);
}

int storage_remove(struct storage *storage, const char *const *keys, size_t count,
                   storage_failed *failed, void *context, struct error *error)
{
    return storage->operations->remove(storage, keys, count, failed, context, error);
}
