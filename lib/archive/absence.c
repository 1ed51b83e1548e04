#include "archive/absence.h"
#include "archive/datadir.h"
#include "archive/identity.h"
#include "archive/object.h"
#include "archive/timeline.h"
#include "archive/walfile.h"
#include "base/error.h"
#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- is this the archive? ---- */

/* 0 when it is, -1 when that can't be told or it is another cluster's. */
static int prove_archive(struct archive *archive, const char *destination, struct error *error)
{
    int found = identity_match(archive, destination, error);
    if (found == 0)
        return error_set(error, ERROR_UNREACHABLE,
                         "archive %s is empty and has no identity: is it mounted, is the path "
                         "right?",
                         archive->location);
    return found < 0 ? -1 : 0;
}

/* ---- does the server have it itself? ---- */

/* The file beside the destination that would be used instead: pg_wal/NAME. NULL when there can't be
 * one, or without memory; the caller frees it. */
static char *own_path(const struct wal_name *name, const char *destination)
{
    char *path = NULL;
    const char *slash = strrchr(destination, '/');
    if (!slash || strcmp(slash + 1, name->text) == 0 ||
        asprintf(&path, "%.*s/%s", (int)(slash - destination), destination, name->text) < 0)
        return NULL;
    return path;
}

/* PostgreSQL asks for every segment before it looks into pg_wal, where a base backup may have
 * brought those that were never archived. A file of that name is not enough: it may be a recycled
 * one that waits there for its turn, or end where the server was copied. */
static bool is_whole(const struct wal_name *name, const char *path)
{
    struct walfile file;
    struct wal_walk walk;
    struct error ignored;
    if (walfile_open(&file, path, &ignored))
        return false;
    bool whole = walfile_check_records(file.fd, name, file.size, &walk, &ignored) == 0 &&
                 walk.end != WAL_END_STALE;
    walfile_close(&file);
    return whole;
}

static bool server_has_segment(const struct wal_name *name, const char *destination)
{
    char *path = own_path(name, destination);
    bool has = path && is_whole(name, path);
    free(path);
    return has;
}

/* Also when the server has been on that timeline, or beyond, already: then it needs no file to know
 * of it. */
static bool server_knows_timeline(const struct wal_name *name, const char *destination)
{
    char *path = own_path(name, destination);
    bool has = path && access(path, F_OK) == 0;
    free(path);
    return has || datadir_timeline(destination) >= name->timeline;
}

/* ---- is something missing? ---- */

static int judge_segment(struct archive *archive, const struct wal_name *name,
                         const char *destination, struct error *error)
{
    struct object_key later;
    int goes_on = timeline_goes_on(archive, name, &later, error);
    if (goes_on <= 0)
        return goes_on;
    int before = timeline_begins_later(archive, name, error);
    if (before)
        return before < 0 ? -1 : 0;
    if (server_has_segment(name, destination)) {
        log_info("%s is missing in the archive, but the server has it", name->text);
        return 0;
    }
    return error_set(error, ERROR_UNREACHABLE,
                     "%s is missing in the archive, though its timeline goes on, as %s shows: a "
                     "hole, not the end of the WAL",
                     name->text, later.text);
}

/* A timeline whose history file is taken for absent is taken for unused, and used again. */
static int judge_history(struct archive *archive, const struct wal_name *name,
                         const char *destination, struct error *error)
{
    struct object_key wal;
    int used = timeline_has_wal(archive, name->timeline, &wal, error);
    if (used <= 0 || server_knows_timeline(name, destination))
        return used < 0 ? -1 : 0;
    return error_set(error, ERROR_UNREACHABLE,
                     "%s is missing in the archive, though WAL of its timeline is there, such as "
                     "%s",
                     name->text, wal.text);
}

int absence_judge(struct archive *archive, const struct wal_name *name, const char *destination,
                  struct error *error)
{
    if (prove_archive(archive, destination, error))
        return error_prefix(error, "%s: ", name->text);
    if ((name->kind == WAL_SEGMENT && judge_segment(archive, name, destination, error)) ||
        (name->kind == WAL_HISTORY && judge_history(archive, name, destination, error)))
        return -1;
    return error_set(error, ERROR_MISSING, "%s is not in the archive", name->text);
}
