#include "verify/checker.h"
#include "archive/existing.h"
#include "archive/scan.h"
#include "survey/way.h"
#include "base/error.h"
#include "base/signals.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    LOOK_BACK_MAX = 8,  /* segments, to where a record begins that reaches in */
    TIME_BACK_MAX = 16, /* segments without a transaction at a recovery's end */
};

/* ---- does the archive still answer? ---- */

static int stop_at_once(void *context, const struct scan_object *object, struct error *error)
{
    (void)context;
    (void)object;
    (void)error;
    return 1;
}

static bool answers(struct archive *archive)
{
    struct error ignored;
    return archive_scan(archive, &(struct scan_query){.wanted = 0}, stop_at_once, NULL, &ignored) ==
           0;
}

/* An object that alone can't be read, from a bad place on a disk perhaps, is damaged. */
static int check_one(struct checker *checker, const char *key, struct wal_carry *carry,
                     struct check_result *result, struct error *error)
{
    int done = check_object(&checker->check, key, carry, result, error);
    if (done == 0 || error->class != ERROR_UNREACHABLE || !answers(&checker->archive))
        return done;
    error->class = ERROR_CORRUPT;
    return error_prefix(error, "can't be read, though the archive answers: ");
}

/* ---- records across segments ---- */

/* Where a worker is among the segments. */
struct walk {
    struct checker *checker;
    uint32_t timeline;
    uint64_t number;         /* of the latest segment */
    struct wal_carry before; /* what came in to it, */
    struct wal_carry after;  /* and what it has left */
};

/* The segment, in whatever coding it is there whole. False: its carry is not known. */
static bool follow(struct checker *checker, const struct wal_name *name, struct wal_carry *carry)
{
    const struct wal_carry before = *carry;
    struct existing existing = {.count = 0};
    struct check_result result;
    struct error ignored;
    if (existing_find(&checker->archive, name, &existing, &ignored))
        return false;
    for (size_t i = 0; i < existing.count; i++) {
        *carry = before;
        if (check_object(&checker->check, existing.keys[i].text, carry, &result, &ignored) == 0)
            return carry->known;
    }
    return false;
}

/* What segments first to last leave, nothing being known of the one before them. */
static bool follow_all(struct checker *checker, const struct inventory_timeline *target,
                       uint64_t first, uint64_t last, struct wal_carry *carry)
{
    const struct inventory *inventory = checker->inventory;
    *carry = (struct wal_carry){0};
    for (uint64_t number = first; number <= last; number++) {
        uint32_t timeline = way_piece_at(inventory, target, number).timeline;
        struct wal_name name = wal_geometry_name(&inventory->geometry, timeline, number);
        if (!follow(checker, &name, carry))
            return false;
    }
    return true;
}

static bool tells_all(const struct wal_carry *carry)
{
    return carry->previous != WAL_PREVIOUS_UNKNOWN && !carry->pending.headless;
}

/* A record may reach in from farther than the segment before. */
static void look_back(struct checker *checker, uint32_t timeline, uint64_t number,
                      struct wal_carry *carry)
{
    const struct inventory_timeline *target = inventory_find(checker->inventory, timeline);
    struct wal_carry found = {0};
    *carry = found;
    if (!target)
        return;
    for (uint64_t back = 1; back <= LOOK_BACK_MAX && back <= number; back++) {
        if (!follow_all(checker, target, number - back, number - 1, &found))
            return;
        *carry = found;
        if (tells_all(carry))
            return;
    }
}

/* Comes to this segment, from the one before it or from elsewhere. */
static void step(struct walk *walk, uint32_t timeline, uint64_t number)
{
    if (walk->timeline == timeline && walk->number == number)
        return; /* another copy of it */
    if (walk->timeline == timeline && walk->number + 1 == number)
        walk->before = walk->after;
    else
        look_back(walk->checker, timeline, number, &walk->before);
    walk->timeline = timeline;
    walk->number = number;
    walk->after = (struct wal_carry){0};
}

static int check_records(struct walk *walk, const char *key, const struct wal_name *name,
                         struct check_result *result, struct error *error)
{
    uint64_t number;
    struct wal_carry carry = {0};
    if (!wal_geometry_number(&walk->checker->inventory->geometry, name, &number))
        return check_one(walk->checker, key, &carry, result, error);
    step(walk, name->timeline, number);
    carry = walk->before;
    int done = check_one(walk->checker, key, &carry, result, error);
    if (name->kind == WAL_SEGMENT && carry.known)
        walk->after = carry;
    return done;
}

/* ---- answers ---- */

static int answer_whole(const struct check_result *result, struct buf *answer, struct error *error)
{
    return buf_printf(answer, error, "whole %" PRIu64 " %" PRIu64 " %d\n", result->raw,
                      result->walk.records, result->reach);
}

/* A message may begin with the key, which is told anyway. */
static int answer_failed(const char *key, const struct error *failure, struct buf *answer,
                         struct error *error)
{
    size_t length = strlen(key);
    const char *message = failure->message;
    if (strncmp(message, key, length) == 0 && strncmp(message + length, ": ", 2) == 0)
        message += length + 2;
    switch (failure->class) {
    case ERROR_MISSING:
        return buf_printf(answer, error, "gone\n");
    case ERROR_CORRUPT:
    case ERROR_REFUSED:
        return buf_printf(answer, error, "damaged %s\n", message);
    default:
        *error = *failure;
        return message == failure->message ? error_prefix(error, "%s: ", key) : -1;
    }
}

static int check_key(struct walk *walk, const char *key, struct buf *answer, struct error *error)
{
    struct object object;
    struct check_result result;
    struct error failure;
    bool is_segment = object_parse(key, &object) &&
                      (object.name.kind == WAL_SEGMENT || object.name.kind == WAL_PARTIAL);
    int done = is_segment && walk->checker->looks_at_records
                   ? check_records(walk, key, &object.name, &result, &failure)
                   : check_one(walk->checker, key, NULL, &result, &failure);
    return done == 0 ? answer_whole(&result, answer, error)
                     : answer_failed(key, &failure, answer, error);
}

static int check_keys(struct checker *checker, char *keys, struct buf *answer, struct error *error)
{
    struct walk walk = {.checker = checker};
    for (char *key; (key = strsep(&keys, "\n")) && *key;)
        if (signals_check(error) || check_key(&walk, key, answer, error))
            return -1;
    return 0;
}

/* ---- until when a recovery can go ---- */

static int64_t time_in(struct checker *checker, const struct wal_name *name)
{
    struct existing existing = {.count = 0};
    struct error ignored;
    if (existing_find(&checker->archive, name, &existing, &ignored))
        return WAL_TIME_NONE;
    for (size_t i = 0; i < existing.count; i++) {
        struct check_result result;
        struct wal_carry carry = {0};
        if (check_object(&checker->check, existing.keys[i].text, &carry, &result, &ignored) == 0)
            return result.walk.records ? result.walk.commit_time : WAL_TIME_NONE;
    }
    return WAL_TIME_NONE;
}

static int find_time(struct checker *checker, const char *text, struct buf *answer,
                     struct error *error)
{
    const struct inventory *inventory = checker->inventory;
    char *end;
    uint32_t timeline = (uint32_t)strtoul(text, &end, 10);
    uint64_t number = strtoull(end, NULL, 10);
    const struct inventory_timeline *target = inventory_find(inventory, timeline);
    for (int back = 0; target && back < TIME_BACK_MAX; back++, number--) {
        uint32_t owner = way_piece_at(inventory, target, number).timeline;
        struct wal_name name = wal_geometry_name(&inventory->geometry, owner, number);
        int64_t time = time_in(checker, &name);
        if (time != WAL_TIME_NONE)
            return buf_printf(answer, error, "%" PRId64 "\n", time);
        if (signals_check(error))
            return -1;
        if (number == 0)
            break;
    }
    return buf_printf(answer, error, "none\n");
}

/* ---- a job ---- */

struct checker checker_new(const struct archive *archive, const struct inventory *inventory,
                           enum verify_depth depth)
{
    struct checker checker = {
        .archive = *archive,
        .inventory = inventory,
        .owner = inventory->system_identifier,
        .looks_at_records = depth == VERIFY_RECORDS,
    };
    checker.archive.storage = NULL;
    return checker;
}

static int open_archive(struct checker *checker, struct error *error)
{
    if (checker->archive.storage)
        return 0;
    const struct inventory *inventory = checker->inventory;
    checker->check = (struct check){
        .archive = &checker->archive,
        .owner = checker->owner,
        .size = inventory->has_geometry ? (uint32_t)inventory->geometry.segment_size : 0,
    };
    return archive_open(&checker->archive, error) || archive_recognise(&checker->archive, error)
               ? -1
               : 0;
}

int checker_run(void *context, const char *job, struct buf *answer, struct error *error)
{
    static const char check[] = "check\n", time[] = "time ";
    struct checker *checker = context;
    const char *order = strchr(job, '\n') + 1;
    if (open_archive(checker, error))
        return -1;
    if (strncmp(order, time, sizeof time - 1) == 0)
        return find_time(checker, order + sizeof time - 1, answer, error);
    char *keys = strdup(order + sizeof check - 1);
    int result = keys ? check_keys(checker, keys, answer, error) : error_memory(error);
    free(keys);
    return result;
}

void checker_leave(void *context)
{
    struct checker *checker = context;
    check_free(&checker->check);
    archive_close(&checker->archive);
}
