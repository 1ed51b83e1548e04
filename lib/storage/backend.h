/* storage/backend.h - what each kind of storage implements; the contract is storage.h's. Only for
 * files of this room. A backend embeds these structs first in its own. */
#ifndef STORAGE_BACKEND_H
#define STORAGE_BACKEND_H

#include "storage/storage.h"

struct storage_operations {
    void (*close)(struct storage *storage);
    struct storage_upload *(*upload)(struct storage *storage, const char *key, size_t head_size,
                                     struct error *error);
    int (*upload_write)(struct storage_upload *upload, const void *data, size_t size,
                        struct error *error);
    int (*upload_commit)(struct storage_upload *upload, const void *head, const char *const *rivals,
                         struct error *error);
    void (*upload_close)(struct storage_upload *upload);
    int (*settle)(struct storage *storage, const char *key, struct error *error);
    struct storage_download *(*download)(struct storage *storage, const char *key,
                                         struct error *error);
    ssize_t (*download_read)(struct storage_download *download, void *data, size_t size,
                             struct error *error);
    void (*download_close)(struct storage_download *download);
    int (*list)(struct storage *storage, const char *directory, const char *prefix,
                const char *after, storage_visit *visit, void *context, struct error *error);
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
struct storage *file_storage_open(const char *location, struct error *error);

#endif
