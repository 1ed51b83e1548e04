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

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/stream.h"
#include "storage/options.h"

struct error;
struct storage;
struct storage_upload;
struct storage_download;

/* Opens what `location` names: "/path", "./path", "../path", "file:///path", "s3://bucket/prefix".
 * NULL on failure; ERROR_USAGE for a location that no kind of storage understands or options that
 * can't be, ERROR_UNREACHABLE for one that is not there (a remote one is not asked yet): it is
 * never created. `options` is borrowed until it is closed. The caller closes it;
 * storage_close(NULL) is allowed. */
struct storage *storage_open(const char *location, const struct storage_options *options,
                             struct error *error);
void storage_close(struct storage *storage);

/* Does a process that uses this location hold keys or passwords? */
bool storage_needs_secrets(const char *location);

/* What kinds of storage differ in. */
enum storage_trait {
    STORAGE_REMOTE = 1 << 0,      /* each call costs a round trip, listing no more than a look */
    STORAGE_SEES_RIVALS = 1 << 1, /* a commit looks for rivals, see there */
    STORAGE_BATCHES = 1 << 2,     /* several uploads are committed at once for the price of one */
};
bool storage_has(const struct storage *storage, enum storage_trait trait);

/* What a storage has learnt of the other side and would have to learn anew, as text of lines
 * "key=value" without secrets: appended to `notes`, and given back to a storage opened later for
 * the same location and options. `scope` names what the notes are of. Nothing for a directory. */
int storage_notes(struct storage *storage, struct buf *scope, struct buf *notes,
                  struct error *error);
enum storage_belief { STORAGE_SURE, STORAGE_IN_DOUBT /* it is found out anew */ };
void storage_recall(struct storage *storage, const char *notes, enum storage_belief belief);

/* Create-only write. Begins an object whose first `head_size` bytes are given only at commit; NULL
 * on failure. Then storage_upload_write any number of times, then storage_upload_commit with the
 * head. Until commit returns 0 nothing is under the key, or all of it; when it returns 0 the object
 * is complete, durable (file, name and every directory on the way) and was made by this call.
 * ERROR_EXISTS from commit: something has the key already, or (with STORAGE_SEES_RIVALS) one of the
 * rivals, also when it is committed by another upload at the same moment; it is left as it was, and
 * nothing was made. It may be this upload's own object, when a network lost the answer: compare.
 * storage_upload_close frees, and discards what was not committed; NULL is allowed. Parts of the
 * key that are directories are made. What killed uploads left behind is removed here. */
struct storage_commit {
    const void *head;          /* of head_size bytes */
    const char *const *rivals; /* keys in the same directory, NULL-terminated; NULL: none */
    const char *attributes; /* lines "key=value" to keep with the object where that can be; NULL */
    const char *digest;     /* a word that is the same for all uploads of the same content, however
                             * it is coded; NULL: not known */
};
struct storage_upload *storage_upload(struct storage *storage, const char *key, size_t head_size,
                                      struct error *error);
int storage_upload_write(struct storage_upload *upload, const void *data, size_t size,
                         struct error *error);
int storage_upload_commit(struct storage_upload *upload, const struct storage_commit *commit,
                          struct error *error);
void storage_upload_close(struct storage_upload *upload);

/* Commits several uploads of one storage, at most STORAGE_BATCH_MAX, in this order or all at once.
 * -1: some may be committed; one by one, each tells (those that are, by ERROR_EXISTS). */
enum { STORAGE_BATCH_MAX = 16 };
int storage_commit_all(struct storage *storage, struct storage_upload *const *uploads,
                       const struct storage_commit *commits, size_t count, struct error *error);

/* Create-only write of a small object in one call; `digest` as in struct storage_commit. */
int storage_put(struct storage *storage, const char *key, const void *data, size_t size,
                const char *digest, struct error *error);

/* Makes an object that somebody else may just have committed as durable as commit would have.
 * ERROR_MISSING. */
int storage_settle(struct storage *storage, const char *key, struct error *error);

/* What is known of an object without reading it. ERROR_MISSING, ERROR_REFUSED. Where ERROR_MISSING
 * would not be certain, a download must tell. The caller frees the attributes. */
struct storage_status {
    uint64_t size;         /* bytes */
    struct buf attributes; /* lines "key=value" as at commit, in any order; empty where not kept */
};
int storage_stat(struct storage *storage, const char *key, struct storage_status *status,
                 struct error *error);

/* Opens an object for reading from its beginning; NULL on failure. ERROR_MISSING: the storage is
 * there, the key is not. ERROR_REFUSED: what is there leads out of the storage or is no object. */
struct storage_download *storage_download(struct storage *storage, const char *key,
                                          struct error *error);
uint64_t storage_download_size(const struct storage_download *download); /* bytes, of all of it */
ssize_t storage_download_read(struct storage_download *download, void *data, size_t size,
                              struct error *error);
void storage_download_close(struct storage_download *download);
struct source storage_download_source(struct storage_download *download);

/* What is asked for: the names directly below `directory` that begin with `prefix` and are greater
 * than `after` (bytewise). NULL is the same as "": the top, all. */
enum storage_wanted {
    STORAGE_DETAILS = 1 << 0,     /* size and time too, which may cost a look at each object */
    STORAGE_DIRECTORIES = 1 << 1, /* directories too */
};
struct storage_query {
    const char *directory, *prefix, *after;
    unsigned wanted; /* enum storage_wanted */
};

struct storage_entry {
    const char *name; /* the last part of the key; borrowed until visit returns */
    bool is_directory;
    uint64_t size; /* bytes; 0 when details are not wanted */
    int64_t time;  /* of the last change, seconds since 1970 UTC; 0 when not wanted or not known */
};

/* Calls visit for every object that is asked for, in bytewise order of names; directories come in
 * their own order, before, among or behind the objects. visit returns 0 to go on, 1 to stop without
 * error, -1 to stop with one. Memory is bounded, however many objects there are. A directory that
 * is not there has no objects. */
typedef int storage_visit(void *context, const struct storage_entry *entry, struct error *error);
int storage_list(struct storage *storage, const struct storage_query *query, storage_visit *visit,
                 void *context, struct error *error);

/* Removes the keys; one that is not there counts as removed. For each that can't be removed
 * failed(context, key, error) is called and the rest goes on. Returns 0 when the removal of all
 * others is durable, -1 when that can't be had. */
typedef void storage_failed(void *context, const char *key, const struct error *error);
int storage_remove(struct storage *storage, const char *const *keys, size_t count,
                   storage_failed *failed, void *context, struct error *error);

#endif
