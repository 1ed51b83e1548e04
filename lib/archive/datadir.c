#include "archive/datadir.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/file.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum { PG_CONTROL_SIZE = 8192, RECOVERY_CONF_MAX = 1024 * 1024 };

/* "dir/" of "dir/file", "" of "file". */
static int directory_length(const char *file)
{
    const char *slash = strrchr(file, '/');
    return slash ? (int)(slash - file) + 1 : 0;
}

static bool read_identifier(const char *path, uint64_t *system_identifier)
{
    struct error ignored;
    struct buf buf = {0};
    bool found = file_slurp(AT_FDCWD, path, PG_CONTROL_SIZE, &buf, &ignored) == 0 &&
                 buf.length >= sizeof *system_identifier;
    if (found)
        memcpy(system_identifier, buf.data, sizeof *system_identifier);
    buf_free(&buf);
    return found;
}

int datadir_system_identifier(const char *file, uint64_t *system_identifier, struct error *error)
{
    struct buf path = {0};
    if (buf_printf(&path, error, "%.*s../global/pg_control", directory_length(file), file))
        return -1;
    bool found = read_identifier(path.data, system_identifier) ||
                 read_identifier("global/pg_control", system_identifier);
    buf_free(&path);
    if (found)
        return 0;
    return error_set(error, ERROR_REFUSED,
                     "can't tell to which cluster it belongs: run this in the data directory");
}

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), end_length = strlen(end);
    return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

bool datadir_has_archived(const char *file)
{
    struct error ignored;
    struct buf path = {0};
    if (buf_printf(&path, &ignored, "%.*sarchive_status", directory_length(file), file))
        return false;
    DIR *stream = opendir(path.data);
    buf_free(&path);
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

enum datadir_recovery datadir_recovery(void)
{
    if (access("standby.signal", F_OK) == 0)
        return DATADIR_STANDBY;
    if (access("recovery.signal", F_OK) == 0)
        return DATADIR_RECOVERY;
    if (access("recovery.conf", F_OK) != 0)
        return DATADIR_NO_RECOVERY;
    struct error ignored;
    struct buf buf = {0};
    bool standby = file_slurp(AT_FDCWD, "recovery.conf", RECOVERY_CONF_MAX, &buf, &ignored) == 0 &&
                   conf_is_standby(buf.data);
    buf_free(&buf);
    return standby ? DATADIR_STANDBY : DATADIR_RECOVERY;
}
