#include "archive/absence.h"
#include "archive/identity.h"
#include "archive/object.h"
#include "archive/reader.h"
#include "archive/successor.h"
#include "archive/walfile.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/log.h"
#include "wal/history.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- is this the archive? ---- */

/* 0 when it is, -1 when that can't be told. */
static int prove_archive(struct archive *archive, struct error *error)
{
    uint64_t system_identifier;
    int found = identity_read(archive, &system_identifier, error);
    if (found == 0) {
        char *key;
        found = identity_find_segment(archive, &key, error);
        free(key);
    }
    if (found == 0)
        return error_set(error, ERROR_UNREACHABLE,
                         "archive %s is empty and has no identity: is it mounted, is the path "
                         "right?",
                         archive->location);
    return found < 0 ? -1 : 0;
}

/* ---- is it a hole? ---- */

/* Reads the timeline's history file from the archive. 1, 0 when it is not there, -1. */
static int read_history(struct archive *archive, const struct wal_name *history, struct buf *text,
                        struct error *error)
{
    for (size_t i = 0; codec_at(i); i++) {
        struct object_key key = object_key(history, codec_at(i));
        struct reader *reader = reader_open(archive, key.text, history, error);
        if (!reader && error->class == ERROR_MISSING)
            continue;
        if (!reader)
            return -1;
        const void *data;
        ssize_t n;
        reader_limit(reader, WAL_HISTORY_SIZE_MAX);
        while ((n = reader_next(reader, &data, error)) > 0)
            if (buf_append(text, data, (size_t)n, error)) {
                n = -1;
                break;
            }
        reader_close(reader);
        return n < 0 ? -1 : 1;
    }
    return 0;
}

/* A timeline has no segments before the one in which it forked off; some releases ask for them all
 * the same. 1 when the name is such a one, 0 when not, -1. */
static int before_fork(struct archive *archive, const struct wal_name *name,
                       const struct successor *later, struct error *error)
{
    struct wal_name history;
    struct wal_page page;
    struct buf text = {0};
    uint64_t address, fork;
    char history_name[32];
    if (name->timeline == 1)
        return 0;
    snprintf(history_name, sizeof history_name, "%.8s.history", name->text);
    if (!wal_name_parse(history_name, strlen(history_name), &history))
        return 0;
    int found = read_history(archive, &history, &text, error);
    if (found > 0 && reader_first_page(archive, later->key.text, &later->name, &page, error))
        found = -1;
    if (found > 0)
        found = wal_history_fork(text.data, text.length, &fork) &&
                wal_name_address(name, page.segment_size, &address) &&
                address / page.segment_size < fork / page.segment_size;
    buf_free(&text);
    return found;
}

/* PostgreSQL asks for every segment before it looks into pg_wal, where a base backup may have
 * brought those that were never archived. A file of that name is not enough: it may be a recycled
 * one that waits there for its turn. */
static bool server_has_it(const struct wal_name *name, const char *destination)
{
    struct error ignored;
    struct buf path = {0};
    struct walfile file;
    const char *slash = strrchr(destination, '/');
    if (!slash || strcmp(slash + 1, name->text) == 0)
        return false;
    bool has = buf_printf(&path, &ignored, "%.*s/%s", (int)(slash - destination), destination,
                          name->text) == 0 &&
               walfile_open(&file, path.data, &ignored) == 0;
    if (has)
        walfile_close(&file);
    buf_free(&path);
    return has;
}

static int judge_segment(struct archive *archive, const struct wal_name *name,
                         const char *destination, struct error *error)
{
    struct successor later;
    int found = successor_find(archive, name, &later, error);
    if (found <= 0)
        return found;
    int before = before_fork(archive, name, &later, error);
    if (before)
        return before < 0 ? -1 : 0;
    if (server_has_it(name, destination)) {
        log_info("%s is missing in the archive, but the server has it", name->text);
        return 0;
    }
    return error_set(error, ERROR_UNREACHABLE,
                     "%s is missing in the archive, though the later %s is there: a hole, not the "
                     "end of the WAL",
                     name->text, later.key.text);
}

int absence_judge(struct archive *archive, const struct wal_name *name, const char *destination,
                  struct error *error)
{
    if (prove_archive(archive, error) ||
        (name->kind == WAL_SEGMENT && judge_segment(archive, name, destination, error)))
        return -1;
    return error_set(error, ERROR_MISSING, "%s is not in the archive", name->text);
}
