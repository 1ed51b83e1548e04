#include "storage/directory.h"
#include "base/buf.h"
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
 * readdir gives no order. To sort without keeping every name of a huge directory, a pass over it
 * keeps the names from one up to a limit, which comes down whenever there are too many; what is
 * above it is for the next pass. Nearly always one pass is all.
 */
enum { NAMES_SIZE_MAX = 16 * 1024 * 1024, NAMES_MAX = 1024 * 1024 };

enum entry_type { ENTRY_OBJECT = 1, ENTRY_DIRECTORY, ENTRY_UNKNOWN };

struct names {
    struct buf text;   /* of each name its type, the name, and a zero byte */
    uint32_t *offsets; /* into text */
    size_t count, room;
    char *limit; /* no name above it is wanted in this pass; NULL: none */
};

static const char *name_at(const struct names *names, size_t index)
{
    return names->text.data + names->offsets[index] + 1;
}

static int compare(const void *a, const void *b, void *context)
{
    const char *text = context;
    return strcmp(text + *(const uint32_t *)a + 1, text + *(const uint32_t *)b + 1);
}

static void sort_names(struct names *names)
{
    if (names->count)
        qsort_r(names->offsets, names->count, sizeof *names->offsets, compare, names->text.data);
}

static int reserve_offset(struct names *names, struct error *error)
{
    if (names->count < names->room)
        return 0;
    size_t room = names->room ? 2 * names->room : 1024;
    uint32_t *offsets = realloc(names->offsets, room * sizeof *offsets);
    if (!offsets)
        return error_memory(error);
    names->offsets = offsets;
    names->room = room;
    return 0;
}

static int append_name(struct names *names, enum entry_type type, const char *name,
                       struct error *error)
{
    char byte = (char)type;
    uint32_t offset = (uint32_t)names->text.length;
    if (reserve_offset(names, error) || buf_append(&names->text, &byte, 1, error) ||
        buf_append(&names->text, name, strlen(name) + 1, error))
        return -1;
    names->offsets[names->count++] = offset;
    return 0;
}

/* Keeps the lower half. */
static int lower_limit(struct names *names, struct error *error)
{
    struct names lower = {.count = 0};
    int result = 0;
    sort_names(names);
    for (size_t i = 0; i < names->count / 2 && result == 0; i++)
        result =
            append_name(&lower, (enum entry_type)name_at(names, i)[-1], name_at(names, i), error);
    if (result == 0 && !(lower.limit = strdup(name_at(&lower, lower.count - 1))))
        result = error_memory(error);
    buf_free(&names->text);
    free(names->offsets);
    free(names->limit);
    *names = lower;
    return result;
}

static int add_name(struct names *names, enum entry_type type, const char *name,
                    struct error *error)
{
    bool full = names->text.length >= NAMES_SIZE_MAX || names->count == NAMES_MAX;
    if (full && lower_limit(names, error))
        return -1;
    bool beyond = names->limit && strcmp(name, names->limit) > 0;
    return beyond ? 0 : append_name(names, type, name, error);
}

static enum entry_type type_of(const struct dirent *entry)
{
    return entry->d_type == DT_DIR       ? ENTRY_DIRECTORY
           : entry->d_type == DT_UNKNOWN ? ENTRY_UNKNOWN
                                         : ENTRY_OBJECT;
}

static bool is_asked_for(const struct storage_query *query, const char *after, const char *name)
{
    return strncmp(name, query->prefix, strlen(query->prefix)) == 0 && strcmp(name, after) > 0 &&
           strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

static int read_names(struct names *names, DIR *stream, const struct storage_query *query,
                      const char *after, struct error *error)
{
    rewinddir(stream);
    for (;;) {
        errno = 0;
        struct dirent *entry = readdir(stream);
        if (!entry)
            break;
        enum entry_type type = type_of(entry);
        bool wanted = type != ENTRY_DIRECTORY || query->wanted & STORAGE_DIRECTORIES;
        if (wanted && is_asked_for(query, after, entry->d_name) &&
            add_name(names, type, entry->d_name, error))
            return -1;
    }
    if (errno)
        return error_set_errno(error, file_error_class(errno), "can't read the archive directory");
    sort_names(names);
    return 0;
}

/* 1: it is; 0: it is not wanted, or has just gone. */
static int describe(int directory, const struct storage_query *query, enum entry_type type,
                    struct storage_entry *entry, struct error *error)
{
    struct stat status;
    entry->is_directory = type == ENTRY_DIRECTORY;
    if (type != ENTRY_UNKNOWN && !(query->wanted & STORAGE_DETAILS))
        return 1;
    if (fstatat(directory, entry->name, &status, AT_SYMLINK_NOFOLLOW))
        return errno == ENOENT
                   ? 0
                   : error_set_errno(error, file_error_class(errno), "can't stat %s", entry->name);
    entry->is_directory = S_ISDIR(status.st_mode);
    if (query->wanted & STORAGE_DETAILS) {
        entry->size = (uint64_t)status.st_size;
        entry->time = status.st_mtim.tv_sec;
    }
    return !entry->is_directory || query->wanted & STORAGE_DIRECTORIES;
}

static int visit_names(const struct names *names, int directory, const struct storage_query *query,
                       storage_visit *visit, void *context, struct error *error)
{
    int result = 0;
    for (size_t i = 0; i < names->count && result == 0; i++) {
        struct storage_entry entry = {.name = name_at(names, i)};
        if (i > 0 && strcmp(entry.name, name_at(names, i - 1)) == 0)
            continue; /* readdir may tell a name twice when the directory changes */
        int is = describe(directory, query, (enum entry_type)entry.name[-1], &entry, error);
        if (is)
            result = is < 0 ? -1 : visit(context, &entry, error);
    }
    return result;
}

static void free_names(struct names *names)
{
    buf_free(&names->text);
    free(names->offsets);
    free(names->limit);
}

static int list_stream(DIR *stream, const struct storage_query *query, storage_visit *visit,
                       void *context, struct error *error)
{
    char *after = strdup(query->after);
    int result = after ? 0 : error_memory(error);
    while (result == 0 && after) {
        struct names names = {.count = 0};
        result = read_names(&names, stream, query, after, error);
        if (result == 0)
            result = visit_names(&names, dirfd(stream), query, visit, context, error);
        free(after);
        after = names.limit;
        names.limit = NULL;
        free_names(&names);
    }
    free(after);
    return result < 0 ? -1 : 0;
}

int directory_list(int directory, const struct storage_query *query, storage_visit *visit,
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
    int result = list_stream(stream, query, visit, context, error);
    closedir(stream);
    return result;
}
