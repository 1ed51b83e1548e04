#include "archive/datadir.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/file.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PG_CONTROL_SIZE = 8192, RECOVERY_CONF_MAX = 1024 * 1024 };

/* "dir/" of "dir/file", "" of "file". */
static int directory_length(const char *file)
{
    const char *slash = strrchr(file, '/');
    return slash ? (int)(slash - file) + 1 : 0;
}

/* "pg_wal/../WHAT" for a file in pg_wal: the same below the data directory. NULL without memory;
 * the caller frees it. */
static char *beside(const char *file, const char *what)
{
    char *path = NULL;
    return asprintf(&path, "%.*s%s", directory_length(file), file, what) < 0 ? NULL : path;
}

/* The beginning of global/pg_control; struct ControlFileData is the same up to here since 9.3. */
struct control {
    uint64_t system_identifier;
    uint32_t version; /* PG_CONTROL_VERSION */
    uint32_t catalog_version;
    unsigned char rest[48];
};

static bool read_control_at(const char *path, struct control *control)
{
    struct error ignored;
    struct buf buf = {0};
    bool found = path && file_slurp(AT_FDCWD, path, PG_CONTROL_SIZE, &buf, &ignored) == 0 &&
                 buf.length >= sizeof control->system_identifier;
    if (found) {
        size_t length = buf.length < sizeof *control ? buf.length : sizeof *control;
        memset(control, 0, sizeof *control);
        memcpy(control, buf.data, length);
    }
    buf_free(&buf);
    return found;
}

static bool read_control(const char *file, struct control *control)
{
    char *path = beside(file, "../global/pg_control");
    bool found = read_control_at(path, control) || read_control_at("global/pg_control", control);
    free(path);
    return found;
}

int datadir_system_identifier(const char *file, uint64_t *system_identifier, struct error *error)
{
    struct control control;
    if (!read_control(file, &control))
        return error_set(error, ERROR_REFUSED,
                         "can't tell to which cluster it belongs: run this in the data directory");
    *system_identifier = control.system_identifier;
    return 0;
}

/* checkPointCopy.ThisTimeLineID; before 11 there was one more LSN, prevCheckPoint, in front. */
uint32_t datadir_timeline(const char *file)
{
    struct control control;
    uint32_t timeline;
    if (!read_control(file, &control) || control.version == 0)
        return 0;
    size_t offset = (control.version >= 1100 ? 48 : 56) - offsetof(struct control, rest);
    memcpy(&timeline, control.rest + offset, sizeof timeline);
    return timeline;
}

int datadir_check_owner(struct error *error)
{
    struct stat status;
    if (stat("global/pg_control", &status) || status.st_uid == geteuid())
        return 0;
    return error_set(error, ERROR_USAGE,
                     "this data directory belongs to user %u: run this as that user, or the server "
                     "can't write to the archive",
                     (unsigned)status.st_uid);
}

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), end_length = strlen(end);
    return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

bool datadir_has_archived(const char *file)
{
    char *path = beside(file, "archive_status");
    DIR *stream = path ? opendir(path) : NULL;
    free(path);
    if (!stream)
        return false;
    bool found = false;
    for (struct dirent *entry; !found && (entry = readdir(stream));)
        found = ends_with(entry->d_name, ".done");
    closedir(stream);
    return found;
}

/* ---- what waits ---- */

static int check_cluster(const char *directory, uint64_t system_identifier, struct error *error)
{
    struct control control;
    char *path = NULL;
    if (asprintf(&path, "%s/global/pg_control", directory) < 0)
        return error_memory(error);
    bool found = read_control_at(path, &control);
    free(path);
    if (!found)
        return error_set(error, ERROR_USAGE, "%s is no data directory that can be read", directory);
    if (!system_identifier || control.system_identifier == system_identifier)
        return 0;
    return error_set(error, ERROR_REFUSED,
                     "%s is another cluster's: system identifier %" PRIu64
                     ", the archive's is %" PRIu64,
                     directory, control.system_identifier, system_identifier);
}

/* In pg_wal, or up to PostgreSQL 9.6 in pg_xlog. */
static DIR *open_status(const char *directory)
{
    static const char *const names[] = {"pg_wal", "pg_xlog"};
    DIR *stream = NULL;
    for (size_t i = 0; !stream && i < sizeof names / sizeof *names; i++) {
        char *path = NULL;
        if (asprintf(&path, "%s/%s/archive_status", directory, names[i]) >= 0)
            stream = opendir(path);
        free(path);
    }
    return stream;
}

static void count_ready(DIR *stream, struct datadir_backlog *backlog)
{
    for (struct dirent *entry; (entry = readdir(stream));) {
        struct stat status;
        if (!ends_with(entry->d_name, ".ready") ||
            fstatat(dirfd(stream), entry->d_name, &status, 0))
            continue; /* it was archived meanwhile */
        backlog->segments++;
        if (!backlog->oldest || status.st_mtime < backlog->oldest)
            backlog->oldest = status.st_mtime;
    }
}

int datadir_backlog(const char *directory, uint64_t system_identifier,
                    struct datadir_backlog *backlog, struct error *error)
{
    *backlog = (struct datadir_backlog){.segments = 0};
    if (check_cluster(directory, system_identifier, error))
        return -1;
    DIR *stream = open_status(directory);
    if (!stream)
        return error_set_errno(error, ERROR_SYSTEM, "can't open %s/pg_wal/archive_status",
                               directory);
    count_ready(stream, backlog);
    closedir(stream);
    return 0;
}

/* ---- recovery.conf, up to PostgreSQL 11: lines of `name = 'value'`, the '=' may be missing ----
 */

static const char *skip_space(const char *text)
{
    return text + strspn(text, " \t");
}

/* As guc-file.l and parse_bool: any unique prefix of true and yes, on, 1. */
static bool is_true(const char *value, size_t length)
{
    return length > 0 &&
           ((length <= 4 && strncasecmp(value, "true", length) == 0) ||
            (length <= 3 && strncasecmp(value, "yes", length) == 0) ||
            (length == 2 && strncasecmp(value, "on", 2) == 0) || (length == 1 && *value == '1'));
}

static bool sets_standby_mode(const char *line, bool *value)
{
    static const char key[] = "standby_mode";
    line = skip_space(line);
    if (strncasecmp(line, key, sizeof key - 1) != 0)
        return false;
    const char *at = line + sizeof key - 1;
    if (*at != '=' && *at != ' ' && *at != '\t')
        return false;
    at = skip_space(at);
    if (*at == '=')
        at = skip_space(at + 1);
    if (*at == '\'')
        at++;
    *value = is_true(at, strcspn(at, "' \t\r#"));
    return true;
}

static bool conf_is_standby(char *text)
{
    bool standby = false;
    char *rest = NULL;
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
        sets_standby_mode(line, &standby); /* the last one counts */
    return standby;
}

static bool conf_file_is_standby(const char *path)
{
    struct error ignored;
    struct buf buf = {0};
    bool standby = file_slurp(AT_FDCWD, path, RECOVERY_CONF_MAX, &buf, &ignored) == 0 &&
                   conf_is_standby(buf.data);
    buf_free(&buf);
    return standby;
}

/* ---- signal files ---- */

/* `file` as in beside(); "" and an empty prefix mean the working directory. */
static bool has(const char *file, const char *prefix, const char *name)
{
    char *relative = NULL, *path = NULL;
    if (asprintf(&relative, "%s%s", prefix, name) >= 0)
        path = beside(file, relative);
    bool found = path && access(path, F_OK) == 0;
    free(relative);
    free(path);
    return found;
}

static enum datadir_recovery recovery_at(const char *file, const char *prefix)
{
    if (has(file, prefix, "standby.signal"))
        return DATADIR_STANDBY;
    if (has(file, prefix, "recovery.signal"))
        return DATADIR_RECOVERY;
    if (!has(file, prefix, "recovery.conf"))
        return DATADIR_NO_RECOVERY;
    char *path = beside(file, *prefix ? "../recovery.conf" : "recovery.conf");
    bool standby = path && conf_file_is_standby(path);
    free(path);
    return standby ? DATADIR_STANDBY : DATADIR_RECOVERY;
}

enum datadir_recovery datadir_recovery(const char *file)
{
    enum datadir_recovery here = recovery_at("", "");
    if (here != DATADIR_NO_RECOVERY || has("", "", "global/pg_control") ||
        !has(file, "../", "global/pg_control"))
        return here;
    return recovery_at(file, "../");
}
