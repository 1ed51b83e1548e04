#include "archive/timeline.h"
#include "archive/existing.h"
#include "archive/identity.h"
#include "archive/reader.h"
#include "archive/scan.h"
#include "base/buf.h"
#include "base/error.h"
#include "wal/history.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- objects of a timeline ---- */

struct search {
    struct object_key *key;
    int found;
};

static int take_wal(void *context, const struct scan_object *object, struct error *error)
{
    struct search *search = context;
    (void)error;
    if (!object || object->object.name.kind == WAL_HISTORY)
        return 0;
    *search->key = object->key;
    search->found = 1;
    return 1;
}

/* The first object of the timeline whose key is greater than `after`. */
static int find_wal(struct archive *archive, uint32_t timeline, const char *after,
                    struct object_key *key, struct error *error)
{
    struct search search = {key, 0};
    char prefix[9];
    snprintf(prefix, sizeof prefix, "%08" PRIX32, timeline);
    const struct scan_query query = {.prefix = prefix, .after = after};
    if (archive_scan(archive, &query, take_wal, &search, error))
        return -1;
    return search.found;
}

int timeline_has_wal(struct archive *archive, uint32_t timeline, struct object_key *key,
                     struct error *error)
{
    return find_wal(archive, timeline, "", key, error);
}

/* ---- history files ---- */

/* Reads the timeline's history file, in whatever coding it is there whole. */
static int read_history(struct archive *archive, uint32_t timeline, struct object_key *key,
                        struct buf *text, struct error *error)
{
    struct wal_name name;
    char history[32];
    int length = snprintf(history, sizeof history, "%08" PRIX32 ".history", timeline);
    struct error first = {.class = ERROR_MISSING};
    struct existing existing;
    if (!wal_name_parse(history, (size_t)length, &name))
        return 0;
    if (existing_find(archive, &name, &existing, error))
        return -1;
    for (size_t i = 0; i < existing.count; i++) {
        *key = existing.keys[i];
        if (reader_text(archive, key->text, &name, text, error) == 0)
            return 1;
        if (first.class == ERROR_MISSING)
            first = *error;
    }
    *error = first;
    return first.class == ERROR_MISSING ? 0 : -1;
}

/* ---- segment numbers ---- */

/* In bytes, from the first segment that the archive has. */
static int segment_size(struct archive *archive, uint32_t *size, struct error *error)
{
    struct scan_object segment;
    struct wal_page page = {0};
    int found = identity_find_segment(archive, &segment, error);
    if (found > 0 &&
        reader_first_page(archive, segment.key.text, &segment.object.name, &page, error))
        found = -1;
    *size = page.segment_size;
    return found;
}

/* *order is below, equal to or above 0 as the segment that holds `address` lies before, is or lies
 * behind the named one. */
static int compare_segment(struct archive *archive, uint64_t address,
                           const struct wal_name *segment, int *order, struct error *error)
{
    uint32_t size;
    uint64_t start;
    int found = segment_size(archive, &size, error);
    if (found <= 0 || size == 0 || !wal_name_address(segment, size, &start))
        return found < 0 ? -1 : 0;
    uint64_t number = address / size, named = start / size;
    *order = (number > named) - (number < named);
    return 1;
}

int timeline_begins_later(struct archive *archive, const struct wal_name *segment,
                          struct error *error)
{
    struct buf text = {0};
    struct object_key key;
    uint64_t fork;
    int order = 0;
    if (segment->timeline == 1)
        return 0;
    int found = read_history(archive, segment->timeline, &key, &text, error);
    if (found > 0)
        found = wal_history_fork(text.data, text.length, &fork)
                    ? compare_segment(archive, fork, segment, &order, error)
                    : 0;
    buf_free(&text);
    return found > 0 ? order > 0 : found;
}

/* Looks through the timelines after this one, as PostgreSQL does: until a history file is missing.
 * 1 when one of them forked off from it, with the fork farthest on. */
static int find_fork(struct archive *archive, uint32_t timeline, struct object_key *key,
                     uint64_t *address, struct error *error)
{
    struct buf text = {0};
    int forked = 0, found = 1;
    for (uint32_t next = timeline + 1; found > 0 && next > timeline; next++) {
        struct object_key history;
        uint64_t entry;
        found = read_history(archive, next, &history, &text, error);
        if (found > 0 && wal_history_entry(text.data, text.length, timeline, &entry) &&
            (!forked || entry > *address)) {
            forked = 1;
            *address = entry;
            *key = history;
        }
    }
    buf_free(&text);
    return found < 0 ? -1 : forked;
}

static int compare_fork(struct archive *archive, const struct wal_name *segment,
                        struct object_key *key, uint64_t *address, int *order, struct error *error)
{
    int forked = find_fork(archive, segment->timeline, key, address, error);
    return forked > 0 ? compare_segment(archive, *address, segment, order, error) : forked;
}

int timeline_goes_on(struct archive *archive, const struct wal_name *segment,
                     struct object_key *key, struct error *error)
{
    char after[WAL_NAME_MAX + 2];
    uint64_t address;
    int order = 0;
    /* '~' sorts behind every suffix that the segment's own name may have */
    snprintf(after, sizeof after, "%s~", segment->text);
    int found = find_wal(archive, segment->timeline, after, key, error);
    if (found)
        return found;
    found = compare_fork(archive, segment, key, &address, &order, error);
    return found > 0 ? order > 0 : found;
}

int timeline_forks_within(struct archive *archive, const struct wal_name *segment,
                          uint64_t *address, struct error *error)
{
    struct object_key key;
    int order = 1;
    int found = compare_fork(archive, segment, &key, address, &order, error);
    return found > 0 ? order == 0 : found;
}
