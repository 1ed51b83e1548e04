/* storage.h - bytes under keys. Knows nothing of WAL.
 *
 * A key is a relative path of one or more parts joined by '/', none of them empty, "." or "..".
 * A kind of storage is one file beside this one and one line in the table in storage.c.
 *
 * Error classes that every function may set: ERROR_UNREACHABLE when the storage does not answer or
 * is not there, ERROR_SYSTEM, ERROR_INTERRUPTED. What else there is stands at each function.
 */
#ifndef STORAGE_STORAGE_H
#define STORAGE_STORAGE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/stream.h"

struct error;
struct storage;
struct storage_upload;
struct storage_download;

/* Opens what `location` names: "/path", "./path", "../path", "file:///path". NULL on failure;
 * ERROR_USAGE for a location that no kind of storage understands, ERROR_UNREACHABLE for one that is
 * not there: it is never created. The caller closes it; storage_close(NULL) is allowed. */
struct storage *storage_open(const char *location, struct error *error);
void storage_close(struct storage *storage);

/* Create-only write. Begins an object whose first `head_size` bytes are given only at commit; NULL
 * on failure. Then storage_upload_write any number of times, then storage_upload_commit with the
 * head. Until commit returns 0 nothing is under the key, or all of it; when it returns 0 the object
 * is complete, durable (file, name and every directory on the way) and was made by this call.
 * ERROR_EXISTS from commit: something has the key already, or one of the `rivals` (NULL-terminated
 * keys in the same directory, NULL for none); it is left as it was, and nothing was made. That
 * holds too against another upload that commits to a rival at the same moment. storage_upload_close
 * frees, and discards what was not committed; NULL is allowed. Parts of the key that are
 * directories are made. What killed uploads left behind is removed here. */
struct storage_upload *storage_upload(struct storage *storage, const char *key, size_t head_size,
                                      struct error *error);
int storage_upload_write(struct storage_upload *upload, const void *data, size_t size,
                         struct error *error);
int storage_upload_commit(struct storage_upload *upload, const void *head,
                          const char *const *rivals, struct error *error);
void storage_upload_close(struct storage_upload *upload);

/* Create-only write of a small object in one call. */
int storage_put(struct storage *storage, const char *key, const void *data, size_t size,
                struct error *error);

/* Makes an object that somebody else may just have committed as durable as commit would have.
 * ERROR_MISSING. */
int storage_settle(struct storage *storage, const char *key, struct error *error);

/* Opens an object for reading from its beginning; NULL on failure. ERROR_MISSING: the storage is
 * there, the key is not. ERROR_REFUSED: what is there leads out of the storage or is no object. */
struct storage_download *storage_download(struct storage *storage, const char *key,
                                          struct error *error);
uint64_t storage_download_size(const struct storage_download *download); /* bytes */
ssize_t storage_download_read(struct storage_download *download, void *data, size_t size,
                              struct error *error);
void storage_download_close(struct storage_download *download);
struct source storage_download_source(struct storage_download *download);

/* Calls visit(context, name) for every object directly below `directory` ("" is the top) whose name
 * begins with `prefix` and is greater than `after` (bytewise; "" for all), in bytewise order. visit
 * returns 0 to go on, 1 to stop without error, -1 to stop with one. Memory does not grow with the
 * number of objects. A directory that is not there has no objects. */
typedef int storage_visit(void *context, const char *name, struct error *error);
int storage_list(struct storage *storage, const char *directory, const char *prefix,
                 const char *after, storage_visit *visit, void *context, struct error *error);

/* Removes the keys; one that is not there counts as removed. For each that can't be removed
 * failed(context, key, error) is called and the rest goes on. Returns 0 when the removal of all
 * others is durable, -1 when that can't be had. */
typedef void storage_failed(void *context, const char *key, const struct error *error);
int storage_remove(struct storage *storage, const char *const *keys, size_t count,
                   storage_failed *failed, void *context, struct error *error);

#endif
