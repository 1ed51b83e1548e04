#include "storage/directory.h"
#include "base/error.h"
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { OPEN_FLAGS = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC };

static int make(int parent, const char *name, struct error *error)
{
    if (mkdirat(parent, name, 0750) == 0 || errno == EEXIST)
        return file_sync(parent, "the archive directory", error);
    return error_set_errno(error, file_error_class(errno), "can't create %s in the archive", name);
}

static int open_part(int parent, const char *name, enum directory_missing missing,
                     struct error *error)
{
    int fd = openat(parent, name, OPEN_FLAGS);
    if (fd < 0 && errno == ENOENT && missing == DIRECTORY_IS_MADE) {
        if (make(parent, name, error))
            return -1;
        fd = openat(parent, name, OPEN_FLAGS);
    }
    if (fd < 0)
        error_set_errno(error, errno == ENOTDIR ? ERROR_REFUSED : file_error_class(errno),
                        "can't open directory %s in the archive", name);
    return fd;
}

/* `length` bytes of path. */
static int open_parts(int top, const char *path, size_t length, enum directory_missing missing,
                      struct error *error)
{
    char *parts = strndup(path, length);
    if (!parts)
        return error_memory(error);
    int fd = fcntl(top, F_DUPFD_CLOEXEC, 0);
    if (fd < 0)
        error_set_errno(error, ERROR_SYSTEM, "can't duplicate a descriptor");
    char *rest = NULL;
    for (char *part = strtok_r(parts, "/", &rest); part && fd >= 0;
         part = strtok_r(NULL, "/", &rest)) {
        int next = open_part(fd, part, missing, error);
        close(fd);
        fd = next;
    }
    free(parts);
    return fd;
}

int directory_open(int top, const char *path, enum directory_missing missing, struct error *error)
{
    return open_parts(top, path, strlen(path), missing, error);
}

int directory_open_parent(int top, const char *key, enum directory_missing missing,
                          const char **name, struct error *error)
{
    const char *slash = strrchr(key, '/');
    *name = slash ? slash + 1 : key;
    return open_parts(top, key, slash ? (size_t)(slash - key) : 0, missing, error);
}

/* ---- listing ----
 *
 * readdir gives no order. To sort without keeping every name, a pass over the directory keeps the
 * BATCH smallest names behind the last one that was visited, and there are as many passes as
 * batches.
 */
enum { BATCH = 32768 };

struct batch {
    char **names;
    size_t count;
};

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void batch_cut(struct batch *batch, size_t count)
{
    while (batch->count > count)
        free(batch->names[--batch->count]);
}

static int batch_add(struct batch *batch, const char *name, struct error *error)
{
    if (batch->count == 2 * BATCH) {
        qsort(batch->names, batch->count, sizeof *batch->names, compare);
        batch_cut(batch, BATCH);
    }
    char *copy = strdup(name);
    if (!copy)
        return error_memory(error);
    batch->names[batch->count++] = copy;
    return 0;
}

static int batch_fill(struct batch *batch, DIR *stream, const char *prefix, const char *after,
                      struct error *error)
{
    size_t length = strlen(prefix);
    rewinddir(stream);
    for (;;) {
        errno = 0;
        struct dirent *entry = readdir(stream);
        if (!entry)
            break;
        if (strncmp(entry->d_name, prefix, length) == 0 && strcmp(entry->d_name, after) > 0 &&
            strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
            batch_add(batch, entry->d_name, error))
            return -1;
    }
    if (errno)
        return error_set_errno(error, file_error_class(errno), "can't read the archive directory");
    qsort(batch->names, batch->count, sizeof *batch->names, compare);
    batch_cut(batch, BATCH);
    return 0;
}

static int list_stream(DIR *stream, const char *prefix, const char *after, storage_visit *visit,
                       void *context, struct error *error)
{
    struct batch batch = {.names = calloc(2 * BATCH, sizeof *batch.names)};
    char *last = strdup(after);
    int result = batch.names && last ? 0 : error_memory(error);
    do {
        batch_cut(&batch, 0);
        if (result == 0)
            result = batch_fill(&batch, stream, prefix, last, error);
        for (size_t i = 0; result == 0 && i < batch.count; i++)
            result = visit(context, batch.names[i], error);
        if (batch.count) {
            free(last);
            last = batch.names[--batch.count];
            batch.names[batch.count] = NULL;
        }
    } while (result == 0 && batch.count == BATCH - 1);
    batch_cut(&batch, 0);
    free(batch.names);
    free(last);
    return result < 0 ? -1 : 0;
}

int directory_list(int directory, const char *prefix, const char *after, storage_visit *visit,
                   void *context, struct error *error)
{
    int fd = openat(directory, ".", OPEN_FLAGS);
    DIR *stream = fd < 0 ? NULL : fdopendir(fd);
    if (!stream) {
        error_set_errno(error, file_error_class(errno), "can't list the archive directory");
        if (fd >= 0)
            close(fd);
        return -1;
    }
    int result = list_stream(stream, prefix, after, visit, context, error);
    closedir(stream);
    return result;
}
