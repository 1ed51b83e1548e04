#include "archive/datadir.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/file.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PG_CONTROL_SIZE = 8192, RECOVERY_CONF_MAX = 1024 * 1024, POSTMASTER_PID_MAX = 8192 };

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

int datadir_check(struct error *error)
{
    if (access("global/pg_control", F_OK) == 0)
        return 0;
    return error_set(error, ERROR_USAGE,
                     "this is no data directory (no global/pg_control): run "
                     "this in the server's");
}

/* Does the process work here? Also when that can't be told. */
static bool works_here(long process)
{
    char path[64];
    struct stat its, ours;
    snprintf(path, sizeof path, "/proc/%ld/cwd", process);
    if (stat(path, &its))
        return errno != ENOENT; /* it has just ended */
    return stat(".", &ours) || (its.st_dev == ours.st_dev && its.st_ino == ours.st_ino);
}

/* The first line is the postmaster's number, with a minus for a standalone backend: miscinit.c. */
int datadir_check_stopped(struct error *error)
{
    struct error ignored;
    struct buf text = {0};
    long process = 0;
    if (file_slurp(AT_FDCWD, "postmaster.pid", POSTMASTER_PID_MAX, &text, &ignored) == 0 &&
        text.data)
        process = labs(strtol(text.data, NULL, 10));
    buf_free(&text);
    bool ours = process == getpid() || process == getppid();
    bool lives = process > 0 && (kill((pid_t)process, 0) == 0 || errno == EPERM);
    if (ours || !lives || !works_here(process))
        return 0;
    return error_set(error, ERROR_REFUSED,
                     "the server runs (process %ld, by postmaster.pid) and archives by itself; if "
                     "that process is another, remove postmaster.pid",
                     process);
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
