#include "retain/standby.h"
#include "archive/identity.h"
#include "archive/sealed.h"
#include "base/array.h"
#include "base/error.h"
#include "base/log.h"
#include "base/moment.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char place[] = ".waltools/standby";
static const char title[] = "waltools-standby=";
static const char version[] = "1\n";
static const char unknown[] = "000000000000000000000000";

enum {
    STAMP_LENGTH = 20, /* "20261127T001002.123Z" */
    KEY_SIZE = sizeof place + STANDBY_NAME_MAX + 1 + STAMP_LENGTH + 1,
    TRIES = 5,
};

struct stamp {
    char text[STAMP_LENGTH + 1];
    int64_t time; /* of the object, by the storage's clock */
};

/* The records of one standby, oldest first. */
struct stamps {
    struct stamp *list;
    size_t count, room;
};

/* ---- names ---- */

static bool is_name(const char *name)
{
    size_t length = strlen(name);
    return length > 0 && length <= STANDBY_NAME_MAX && *name != '.' &&
           strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.") ==
               length;
}

int standby_check_name(const char *name, struct error *error)
{
    if (is_name(name))
        return 0;
    return error_set(error, ERROR_USAGE,
                     "\"%s\" is no name of a standby: 1 to %d letters, digits, '_', '-' and '.', "
                     "not beginning with '.'",
                     name, STANDBY_NAME_MAX);
}

static bool is_stamp(const char *text)
{
    static const char model[] = "ddddddddTdddddd.dddZ";
    for (size_t i = 0; i < STAMP_LENGTH; i++) {
        bool digit = text[i] >= '0' && text[i] <= '9';
        if (model[i] == 'd' ? !digit : text[i] != model[i])
            return false;
    }
    return !text[STAMP_LENGTH];
}

static void write_stamp(int64_t milliseconds, char text[STAMP_LENGTH + 1])
{
    time_t seconds = (time_t)(milliseconds / 1000);
    struct tm tm;
    size_t length = strftime(text, STAMP_LENGTH + 1, "%Y%m%dT%H%M%S", gmtime_r(&seconds, &tm));
    unsigned thousandths = (unsigned)(milliseconds % 1000) % 1000;
    snprintf(text + length, STAMP_LENGTH + 1 - length, ".%03uZ", thousandths);
}

static int64_t read_stamp(const char *text)
{
    struct tm tm = {0};
    const char *end = strptime(text, "%Y%m%dT%H%M%S", &tm);
    return end ? (int64_t)timegm(&tm) * 1000 + strtol(end + 1, NULL, 10) : 0;
}

static int stray(const char *key, struct error *error)
{
    return error_set(error, ERROR_CORRUPT,
                     "%s is not known as a record of a standby; nothing was removed: remove it if "
                     "nobody needs it",
                     key);
}

/* ---- listing ---- */

static int take_stamp(void *context, const struct storage_entry *entry, struct error *error)
{
    struct stamps *stamps = context;
    if (*entry->name == '.') /* of a file system, or of an rsync that was killed */
        return 0;
    if (entry->is_directory || !is_stamp(entry->name))
        return stray(entry->name, error);
    void *more =
        array_reserve(stamps->list, stamps->count, &stamps->room, sizeof *stamps->list, error);
    if (!more)
        return -1;
    stamps->list = more;
    struct stamp *stamp = &stamps->list[stamps->count++];
    snprintf(stamp->text, sizeof stamp->text, "%s", entry->name);
    stamp->time = entry->time;
    return 0;
}

static int list_stamps(struct archive *archive, const char *name, struct stamps *stamps,
                       struct error *error)
{
    char directory[KEY_SIZE];
    const struct storage_query query = {.directory = directory,
                                        .wanted = STORAGE_DETAILS | STORAGE_DIRECTORIES};
    *stamps = (struct stamps){.count = 0};
    snprintf(directory, sizeof directory, "%s/%s", place, name);
    if (storage_list(archive->storage, &query, take_stamp, stamps, error))
        return error_prefix(error, "%s: ", directory);
    return 0;
}

static int take_name(void *context, const struct storage_entry *entry, struct error *error)
{
    struct standbys *standbys = context;
    if (*entry->name == '.')
        return 0;
    if (!entry->is_directory || !is_name(entry->name))
        return stray(entry->name, error);
    void *more = array_reserve(standbys->list, standbys->count, &standbys->room,
                               sizeof *standbys->list, error);
    if (!more)
        return -1;
    standbys->list = more;
    struct standby *standby = &standbys->list[standbys->count++];
    *standby = (struct standby){.heard = 0};
    snprintf(standby->name, sizeof standby->name, "%s", entry->name);
    return 0;
}

static int compare(const void *a, const void *b)
{
    return strcmp(((const struct standby *)a)->name, ((const struct standby *)b)->name);
}

static int list_names(struct archive *archive, struct standbys *standbys, struct error *error)
{
    const struct storage_query query = {.directory = place, .wanted = STORAGE_DIRECTORIES};
    if (storage_list(archive->storage, &query, take_name, standbys, error))
        return error_prefix(error, "%s: ", place);
    if (standbys->count)
        qsort(standbys->list, standbys->count, sizeof *standbys->list, compare);
    return 0;
}

/* ---- reading ---- */

static int damaged(const char *key, struct error *error)
{
    return error_set(error, ERROR_CORRUPT,
                     "%s, the record of a standby, is damaged; nothing was removed: let the "
                     "standby record itself anew, or --forget-standby",
                     key);
}

static int parse(const struct sealed *text, const char *key, struct standby *standby,
                 struct error *error)
{
    char name[STANDBY_NAME_MAX + 1], time[MOMENT_SIZE];
    struct wal_name segment;
    enum sealed_state state = sealed_check(text, title, version);
    if (state == SEALED_LATER)
        return error_set(error, ERROR_REFUSED,
                         "%s has a format that this version of waltools does not know", key);
    if (state == SEALED_DAMAGED || !sealed_value(text, "name", name, sizeof name) ||
        strcmp(name, standby->name) != 0 || !sealed_value(text, "time", time, sizeof time) ||
        !sealed_value(text, "segment", standby->segment, sizeof standby->segment) ||
        !wal_name_parse(standby->segment, strlen(standby->segment), &segment) ||
        segment.kind != WAL_SEGMENT)
        return damaged(key, error);
    return moment_parse(time, 0, &standby->heard, error) ? damaged(key, error) : 0;
}

static int read_record(struct archive *archive, const struct stamp *stamp, struct standby *standby,
                       struct error *error)
{
    char key[KEY_SIZE];
    struct sealed text;
    snprintf(key, sizeof key, "%s/%s/%s", place, standby->name, stamp->text);
    if (sealed_read(archive->storage, key, &text, error) || parse(&text, key, standby, error))
        return -1;
    if (stamp->time > standby->heard)
        standby->heard = stamp->time;
    return 0;
}

/* 1: it has a record; 0: it has none (any more). One that vanishes has made room for a newer one.
 */
static int read_newest(struct archive *archive, struct standby *standby, struct error *error)
{
    int result = -1;
    for (int tries = 0; tries < TRIES && result < 0; tries++) {
        struct stamps stamps;
        if (list_stamps(archive, standby->name, &stamps, error) == 0)
            result = stamps.count ? 1 : 0;
        if (result == 1 && read_record(archive, &stamps.list[stamps.count - 1], standby, error))
            result = -1;
        free(stamps.list);
        if (result < 0 && error->class != ERROR_MISSING)
            return -1;
    }
    if (result < 0)
        error->class = ERROR_UNREACHABLE; /* "absent" would be said of WAL */
    return result;
}

int standbys_read(struct archive *archive, struct standbys *standbys, struct error *error)
{
    size_t kept = 0;
    *standbys = (struct standbys){.count = 0};
    if (list_names(archive, standbys, error))
        return -1;
    for (size_t i = 0; i < standbys->count; i++) {
        int found = read_newest(archive, &standbys->list[i], error);
        if (found < 0)
            return -1;
        if (found)
            standbys->list[kept++] = standbys->list[i];
    }
    standbys->count = kept;
    return 0;
}

void standbys_free(struct standbys *standbys)
{
    free(standbys->list);
    *standbys = (struct standbys){.count = 0};
}

const struct standby *standbys_find(const struct standbys *standbys, const char *name)
{
    for (size_t i = 0; i < standbys->count; i++)
        if (strcmp(standbys->list[i].name, name) == 0)
            return &standbys->list[i];
    return NULL;
}

/* ---- removing ---- */

static void report(void *context, const char *key, const struct error *failure)
{
    (void)context, (void)key;
    log_warning("%s", failure->message);
}

static void count(void *context, const char *key, const struct error *failure)
{
    (void)key;
    log_error(failure);
    ++*(size_t *)context;
}

/* Oldest first: until the last one has gone, the newest counts. */
static int remove_stamps(struct archive *archive, const char *name, const struct stamps *stamps,
                         storage_failed *failed, void *context, struct error *error)
{
    int result = 0;
    for (size_t i = 0; i < stamps->count && result == 0; i++) {
        char key[KEY_SIZE];
        const char *const keys[] = {key};
        snprintf(key, sizeof key, "%s/%s/%s", place, name, stamps->list[i].text);
        result = storage_remove(archive->storage, keys, 1, failed, context, error);
    }
    return result;
}

int standby_forget(struct archive *archive, const char *name, bool dry, struct error *error)
{
    struct stamps stamps;
    size_t failures = 0;
    int result = list_stamps(archive, name, &stamps, error);
    if (result == 0 && stamps.count == 0)
        result = error_set(error, ERROR_REFUSED, "no standby %s is recorded in the archive", name);
    if (result == 0 && !dry)
        result = remove_stamps(archive, name, &stamps, count, &failures, error);
    if (result == 0 && failures)
        result = error_set(error, ERROR_SYSTEM, "standby %s could not be forgotten", name);
    free(stamps.list);
    return result;
}

/* ---- recording ---- */

static int write_text(const char *name, const char *segment, struct buf *text, struct error *error)
{
    char time[MOMENT_SIZE];
    moment_format_iso(moment_now(), time);
    return buf_printf(text, error, "%s%sname=%s\nsegment=%s\ntime=%s\n", title, version, name,
                      segment, time) ||
                   sealed_close(text, error)
               ? -1
               : 0;
}

/* Behind all that are there, also when a clock was set back. */
static int put(struct archive *archive, const char *name, const struct stamps *stamps,
               const struct buf *text, struct error *error)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    int64_t at = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
    int64_t newest = stamps->count ? read_stamp(stamps->list[stamps->count - 1].text) : 0;
    if (at <= newest)
        at = newest + 1;
    for (int tries = 0; tries < TRIES; tries++, at++) {
        char stamp[STAMP_LENGTH + 1], key[KEY_SIZE];
        write_stamp(at, stamp);
        snprintf(key, sizeof key, "%s/%s/%s", place, name, stamp);
        if (storage_put(archive->storage, key, text->data, text->length, NULL, error) == 0)
            return 0;
        if (error->class != ERROR_EXISTS)
            return -1;
    }
    return error_set(error, ERROR_UNREACHABLE, "others record it at the same time");
}

static int check_identity(struct archive *archive, struct error *error)
{
    uint64_t owner;
    int found = identity_read(archive, &owner, error);
    if (found)
        return found < 0 ? -1 : 0;
    return error_set(error, ERROR_REFUSED,
                     "archive %s has no identity, so no standby can be recorded there: let the "
                     "primary push to it first",
                     archive->location);
}

/* What the last record says, where this one says nothing. */
static int complete(struct archive *archive, const struct stamps *stamps, const char **segment,
                    struct standby *standby, struct error *error)
{
    if (strcmp(*segment, unknown) != 0 || stamps->count == 0)
        return 0;
    if (read_record(archive, &stamps->list[stamps->count - 1], standby, error))
        return -1;
    *segment = standby->segment;
    return 0;
}

static int replace(struct archive *archive, const char *name, const char *segment,
                   const struct stamps *stamps, struct error *error)
{
    struct buf text = {0};
    struct standby standby;
    snprintf(standby.name, sizeof standby.name, "%s", name);
    int result = complete(archive, stamps, &segment, &standby, error);
    if (result == 0)
        result = write_text(name, segment, &text, error);
    if (result == 0)
        result = put(archive, name, stamps, &text, error);
    buf_free(&text);
    return result ? -1 : remove_stamps(archive, name, stamps, report, NULL, error);
}

int standby_record(struct archive *archive, const char *name, const char *segment,
                   struct error *error)
{
    struct stamps stamps = {.count = 0};
    int result = check_identity(archive, error);
    if (result == 0)
        result = list_stamps(archive, name, &stamps, error);
    if (result == 0)
        result = replace(archive, name, segment, &stamps, error);
    free(stamps.list);
    if (result && error->class == ERROR_MISSING)
        error->class = ERROR_UNREACHABLE;
    return result ? error_prefix(error, "can't record standby %s: ", name) : 0;
}
