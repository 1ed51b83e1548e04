/* storage/backend.h - what each kind of storage implements; the contract is storage.h's. Only for
 * files of this room. A backend embeds these structs first in its own. */
#ifndef STORAGE_BACKEND_H
#define STORAGE_BACKEND_H

#include "storage/storage.h"

struct storage_operations {
    unsigned traits; /* enum storage_trait */
    /* NULL where nothing is learnt */
    int (*notes)(struct storage *storage, struct buf *scope, struct buf *notes,
                 struct error *error);
    void (*recall)(struct storage *storage, const char *notes, enum storage_belief belief);
    void (*close)(struct storage *storage);
    struct storage_upload *(*upload)(struct storage *storage, const char *key, size_t head_size,
                                     struct error *error);
    int (*upload_write)(struct storage_upload *upload, const void *data, size_t size,
                        struct error *error);
    int (*upload_commit)(struct storage_upload *upload, const struct storage_commit *commit,
                         struct error *error);
    /* NULL without STORAGE_BATCHES */
    int (*commit_all)(struct storage *storage, struct storage_upload *const *uploads,
                      const struct storage_commit *commits, size_t count, struct error *error);
    void (*upload_close)(struct storage_upload *upload);
    int (*settle)(struct storage *storage, const char *key, struct error *error);
    int (*stat)(struct storage *storage, const char *key, struct storage_status *status,
                struct error *error);
    struct storage_download *(*download)(struct storage *storage, const char *key,
                                         struct error *error);
    ssize_t (*download_read)(struct storage_download *download, void *data, size_t size,
                             struct error *error);
    void (*download_close)(struct storage_download *download);
    /* no text of the query is NULL */
    int (*list)(struct storage *storage, const struct storage_query *query, storage_visit *visit,
                void *context, struct error *error);
    int (*remove)(struct storage *storage, const char *const *keys, size_t count,
                  storage_failed *failed, void *context, struct error *error);
};

struct storage {
    const struct storage_operations *operations;
};

struct storage_upload {
    struct storage *storage;
};

struct storage_download {
    struct storage *storage;
    uint64_t size; /* bytes */
};

/* A directory: `location` is its path. */
struct storage *file_storage_open(const char *location, const struct storage_options *options,
                                  struct error *error);

/* A bucket: `location` is "bucket" or "bucket/prefix". */
struct storage *s3_storage_open(const char *location, const struct storage_options *options,
                                struct error *error);

/* What rsync reaches, by ssh or at a daemon: `location` is all of it. */
struct storage *rsync_storage_open(const char *location, const struct storage_options *options,
                                   struct error *error);

#endif
