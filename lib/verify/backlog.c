#include "verify/backlog.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* src/include/catalog/pg_control.h: the system identifier is the first field. */
static bool read_cluster(const char *data_directory, uint64_t *system_identifier)
{
    enum { PG_CONTROL_SIZE = 8192 };
    struct buf path = {0}, control = {0};
    struct error ignored;
    bool found = buf_printf(&path, &ignored, "%s/global/pg_control", data_directory) == 0 &&
                 file_slurp(AT_FDCWD, path.data, PG_CONTROL_SIZE, &control, &ignored) == 0 &&
                 control.length >= sizeof *system_identifier;
    if (found)
        memcpy(system_identifier, control.data, sizeof *system_identifier);
    buf_free(&path);
    buf_free(&control);
    return found;
}

static int check_cluster(const char *data_directory, uint64_t expected, struct error *error)
{
    uint64_t found;
    if (!read_cluster(data_directory, &found))
        return error_set(error, ERROR_USAGE, "%s is no data directory that can be read",
                         data_directory);
    if (!expected || found == expected)
        return 0;
    return error_set(error, ERROR_REFUSED,
                     "%s is another cluster's: system identifier %" PRIu64
                     ", the archive's is %" PRIu64,
                     data_directory, found, expected);
}

/* In pg_wal, or up to PostgreSQL 9.6 in pg_xlog. */
static DIR *open_status(const char *data_directory)
{
    static const char *const names[] = {"pg_wal", "pg_xlog"};
    DIR *stream = NULL;
    for (size_t i = 0; !stream && i < sizeof names / sizeof *names; i++) {
        char *path = NULL;
        if (asprintf(&path, "%s/%s/archive_status", data_directory, names[i]) < 0)
            return NULL;
        stream = opendir(path);
        free(path);
    }
    return stream;
}

static bool is_ready(const char *name)
{
    const char *suffix = strrchr(name, '.');
    return suffix && strcmp(suffix, ".ready") == 0;
}

static void count(DIR *stream, struct backlog *backlog)
{
    for (struct dirent *entry; (entry = readdir(stream));) {
        struct stat status;
        if (!is_ready(entry->d_name) || fstatat(dirfd(stream), entry->d_name, &status, 0))
            continue; /* it was archived meanwhile */
        backlog->files++;
        if (!backlog->oldest || status.st_mtime < backlog->oldest)
            backlog->oldest = status.st_mtime;
    }
}

int backlog_read(const char *data_directory, uint64_t system_identifier, struct backlog *backlog,
                 struct error *error)
{
    *backlog = (struct backlog){.files = 0};
    if (check_cluster(data_directory, system_identifier, error))
        return -1;
    DIR *stream = open_status(data_directory);
    if (!stream)
        return error_set_errno(error, ERROR_SYSTEM, "can't open archive_status in %s",
                               data_directory);
    count(stream, backlog);
    closedir(stream);
    return 0;
}
