/* A directory as storage: an object is a file. A new one is written and fsynced in .waltools/tmp
 * and then linked to its name, which fails when the name is taken (link(2)); the directory is
 * fsynced last. Symbolic links below the directory are never followed. */
#include "base/error.h"
#include "base/file.h"
#include "base/signals.h"
#include "base/tempfile.h"
#include "storage/backend.h"
#include "storage/directory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static const char temporary_directory[] = ".waltools/tmp";
static const char temporary_prefix[] = "put-";
static const char lock_name[] = "lock"; /* beside the temporary files */

/* One fsync of all of a large object could take so long that it looks like a storage that hangs. */
enum { SYNC_EVERY = 32 * 1024 * 1024 };

struct file_storage {
    struct storage storage;
    int directory;
};

struct file_upload {
    struct storage_upload upload;
    struct tempfile file;
    int temporary;    /* directory of the temporary file */
    int parent;       /* directory of the object */
    const char *name; /* of the object in that directory; points into key */
    size_t head_size;
    size_t unsynced; /* bytes since the last fsync */
    char *key;
};

struct file_download {
    struct storage_download download;
    int fd;
    char *key;
};

static int top(struct storage *storage)
{
    return ((struct file_storage *)storage)->directory;
}

static void file_close(struct storage *storage)
{
    close(top(storage));
    free(storage);
}

/* ---- writing ---- */

static int upload_begin(struct file_upload *upload, int directory, struct error *error)
{
    upload->temporary = directory_open(directory, temporary_directory, DIRECTORY_IS_MADE, error);
    if (upload->temporary < 0)
        return -1;
    upload->parent =
        directory_open_parent(directory, upload->key, DIRECTORY_IS_MADE, &upload->name, error);
    if (upload->parent < 0)
        return -1;
    tempfile_sweep(upload->temporary, temporary_prefix);
    if (tempfile_create(&upload->file, upload->temporary, temporary_prefix, error))
        return -1;
    if (lseek(upload->file.fd, (off_t)upload->head_size, SEEK_SET) < 0)
        return error_set_errno(error, ERROR_SYSTEM, "can't seek in %s", upload->key);
    return 0;
}

static void file_upload_close(struct storage_upload *storage_upload)
{
    struct file_upload *upload = (struct file_upload *)storage_upload;
    tempfile_discard(&upload->file);
    if (upload->temporary >= 0)
        close(upload->temporary);
    if (upload->parent >= 0)
        close(upload->parent);
    free(upload->key);
    free(upload);
}

static struct storage_upload *file_upload(struct storage *storage, const char *key,
                                          size_t head_size, struct error *error)
{
    struct file_upload *upload = malloc(sizeof *upload);
    if (!upload) {
        error_memory(error);
        return NULL;
    }
    *upload = (struct file_upload){.upload = {storage},
                                   .file = TEMPFILE_NONE,
                                   .temporary = -1,
                                   .parent = -1,
                                   .head_size = head_size,
                                   .key = strdup(key)};
    if (!upload->key || upload_begin(upload, top(storage), error)) {
        if (!upload->key)
            error_memory(error);
        file_upload_close(&upload->upload);
        return NULL;
    }
    return &upload->upload;
}

static int file_upload_write(struct storage_upload *storage_upload, const void *data, size_t size,
                             struct error *error)
{
    struct file_upload *upload = (struct file_upload *)storage_upload;
    upload->unsynced += size;
    if (upload->unsynced > SYNC_EVERY) {
        upload->unsynced = 0;
        if (file_sync(upload->file.fd, upload->key, error))
            return -1;
    }
    return file_write(upload->file.fd, upload->key, data, size, error);
}

static int has_no_links(int number)
{
    return number == EPERM || number == EOPNOTSUPP || number == ENOSYS || number == EMLINK;
}

/* Gives the temporary file its name unless the name is taken. Over NFS an answer can get lost and
 * the repeated link meet its own first success: the caller, who compares, finds the same content.
 */
static int place(struct file_upload *upload, struct error *error)
{
    struct tempfile *file = &upload->file;
    if (linkat(upload->temporary, file->name, upload->parent, upload->name, 0) == 0)
        return 0;
    if (has_no_links(errno) && renameat2(upload->temporary, file->name, upload->parent,
                                         upload->name, RENAME_NOREPLACE) == 0) {
        free(file->name);
        file->name = NULL;
        return 0;
    }
    if (errno == EEXIST)
        return error_set(error, ERROR_EXISTS, "%s exists already", upload->key);
    return error_set_errno(error, file_error_class(errno), "can't link %s into place", upload->key);
}

static int check_rivals(struct file_upload *upload, const char *const *rivals, struct error *error)
{
    for (; rivals && *rivals; rivals++)
        if (faccessat(upload->parent, *rivals, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
            return error_set(error, ERROR_EXISTS, "%s exists already", *rivals);
    return 0;
}

/* The lock makes looking for rivals and linking one step; it is held for microseconds. A file of
 * its own, open for writing, because over NFS no other can be locked. Where there are no locks at
 * all, what remains is the look. */
static int place_alone(struct file_upload *upload, const char *const *rivals, struct error *error)
{
    int lock =
        openat(upload->temporary, lock_name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (lock >= 0)
        flock(lock, LOCK_EX);
    int result = signals_check(error) || check_rivals(upload, rivals, error) || place(upload, error)
                     ? -1
                     : 0;
    if (lock >= 0)
        close(lock);
    return result;
}

/* The object's name, and that of its directory, which another upload may just have made. */
static int sync_names(struct file_upload *upload, struct error *error)
{
    if (file_sync(upload->parent, "the archive directory", error))
        return -1;
    return upload->name == upload->key
               ? 0
               : file_sync(top(upload->upload.storage), "the archive directory", error);
}

static int file_upload_commit(struct storage_upload *storage_upload,
                              const struct storage_commit *commit, struct error *error)
{
    struct file_upload *upload = (struct file_upload *)storage_upload;
    int fd = upload->file.fd;
    if (upload->head_size &&
        file_write_at(fd, upload->key, commit->head, upload->head_size, 0, error))
        return -1;
    if (file_sync(fd, upload->key, error) || place_alone(upload, commit->rivals, error))
        return -1;
    if (upload->file.name && unlinkat(upload->temporary, upload->file.name, 0) == 0) {
        free(upload->file.name);
        upload->file.name = NULL;
    }
    return sync_names(upload, error);
}

static int file_settle(struct storage *storage, const char *key, struct error *error)
{
    const char *name;
    int parent = directory_open_parent(top(storage), key, DIRECTORY_MUST_EXIST, &name, error);
    if (parent < 0)
        return -1;
    int fd = openat(parent, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    int result = fd < 0 ? error_set_errno(error, file_error_class(errno), "can't open %s", key)
                        : file_sync(fd, key, error);
    if (result == 0)
        result = file_sync(parent, "the archive directory", error);
    if (fd >= 0)
        close(fd);
    close(parent);
    return result;
}

/* ---- reading ---- */

static int open_object(int directory, const char *key, uint64_t *size, struct error *error)
{
    const char *name;
    int parent = directory_open_parent(directory, key, DIRECTORY_MUST_EXIST, &name, error);
    if (parent < 0)
        return -1;
    int fd = openat(parent, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    int number = errno;
    close(parent);
    errno = number;
    if (fd < 0 && errno == ELOOP)
        return error_set(error, ERROR_REFUSED, "%s is a symbolic link, which is never followed",
                         key);
    if (fd < 0)
        return error_set_errno(error, file_error_class(errno), "can't open %s", key);
    struct stat status;
    if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode)) {
        *size = (uint64_t)status.st_size;
        return fd;
    }
    close(fd);
    return error_set(error, ERROR_REFUSED, "%s is not a regular file", key);
}

static int file_stat(struct storage *storage, const char *key, struct storage_status *status,
                     struct error *error)
{
    int fd = open_object(top(storage), key, &status->size, error);
    if (fd < 0)
        return -1;
    close(fd);
    return 0;
}

static struct storage_download *file_download(struct storage *storage, const char *key,
                                              struct error *error)
{
    uint64_t size = 0;
    int fd = open_object(top(storage), key, &size, error);
    if (fd < 0)
        return NULL;
    struct file_download *download = malloc(sizeof *download);
    char *copy = strdup(key);
    if (!download || !copy) {
        error_memory(error);
        close(fd);
        free(download);
        free(copy);
        return NULL;
    }
    *download = (struct file_download){{storage, size}, fd, copy};
    return &download->download;
}

static ssize_t file_download_read(struct storage_download *storage_download, void *data,
                                  size_t size, struct error *error)
{
    struct file_download *download = (struct file_download *)storage_download;
    return file_read(download->fd, download->key, data, size, error);
}

static void file_download_close(struct storage_download *storage_download)
{
    struct file_download *download = (struct file_download *)storage_download;
    close(download->fd);
    free(download->key);
    free(download);
}

/* ---- listing and removing ---- */

static int file_list(struct storage *storage, const struct storage_query *query,
                     storage_visit *visit, void *context, struct error *error)
{
    int fd = directory_open(top(storage), query->directory, DIRECTORY_MUST_EXIST, error);
    if (fd < 0)
        return error->class == ERROR_MISSING ? 0 : -1;
    int result = directory_list(fd, query, visit, context, error);
    close(fd);
    return result;
}

static int remove_one(int directory, const char *key, struct error *error)
{
    const char *name;
    int parent = directory_open_parent(directory, key, DIRECTORY_MUST_EXIST, &name, error);
    if (parent < 0)
        return error->class == ERROR_MISSING ? 0 : -1;
    int result = unlinkat(parent, name, 0);
    if (result && errno == ENOENT)
        result = 0;
    if (result)
        error_set_errno(error, file_error_class(errno), "can't remove %s", key);
    close(parent);
    return result;
}

/* Every key is fsynced by its directory; nearly all are in the top one. */
static int sync_parent(int directory, const char *key, struct error *error)
{
    const char *name;
    int parent = directory_open_parent(directory, key, DIRECTORY_MUST_EXIST, &name, error);
    if (parent < 0)
        return error->class == ERROR_MISSING ? 0 : -1;
    int result = file_sync(parent, "the archive directory", error);
    close(parent);
    return result;
}

static int same_parent(const char *a, const char *b)
{
    const char *slash_a = strrchr(a, '/'), *slash_b = strrchr(b, '/');
    size_t length_a = slash_a ? (size_t)(slash_a - a) : 0;
    size_t length_b = slash_b ? (size_t)(slash_b - b) : 0;
    return length_a == length_b && strncmp(a, b, length_a) == 0;
}

static int file_remove(struct storage *storage, const char *const *keys, size_t count,
                       storage_failed *failed, void *context, struct error *error)
{
    for (size_t i = 0; i < count; i++) {
        struct error one;
        if (signals_check(error))
            return -1;
        if (remove_one(top(storage), keys[i], &one))
            failed(context, keys[i], &one);
    }
    for (size_t i = 0; i < count; i++)
        if ((i + 1 == count || !same_parent(keys[i], keys[i + 1])) &&
            sync_parent(top(storage), keys[i], error))
            return -1;
    return 0;
}

static const struct storage_operations file_operations = {
    .traits = STORAGE_SEES_RIVALS,
    .close = file_close,
    .upload = file_upload,
    .upload_write = file_upload_write,
    .upload_commit = file_upload_commit,
    .upload_close = file_upload_close,
    .settle = file_settle,
    .stat = file_stat,
    .download = file_download,
    .download_read = file_download_read,
    .download_close = file_download_close,
    .list = file_list,
    .remove = file_remove,
};

static int open_failed(const char *path, struct error *error)
{
    if (errno == ENOENT)
        return error_set(
            error, ERROR_UNREACHABLE,
            "archive directory %s does not exist: is it mounted? (If it is new, create it: "
            "that is never done here.)",
            path);
    if (errno == ENOTDIR)
        return error_set(error, ERROR_USAGE, "archive %s is not a directory", path);
    return error_set_errno(error, file_error_class(errno), "can't open archive directory %s", path);
}

struct storage *file_storage_open(const char *location, const struct storage_options *options,
                                  struct error *error)
{
    (void)options;
    int fd = open(location, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        open_failed(location, error);
        return NULL;
    }
    struct file_storage *file = malloc(sizeof *file);
    if (!file) {
        error_memory(error);
        close(fd);
        return NULL;
    }
    *file = (struct file_storage){{&file_operations}, fd};
    return &file->storage;
}
