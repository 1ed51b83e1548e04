/* survey/inventory.h - what an archive holds, from names alone: per timeline the ranges of
 * segments that follow each other; base backups; where timelines forked off.
 *
 * Memory is in proportion to the gaps, timelines, backups and hours, not to the segments. Only
 * small files are read, histories and backup histories, and the head of one segment, which tells
 * how large segments are.
 */
#ifndef SURVEY_INVENTORY_H
#define SURVEY_INVENTORY_H

#include "archive/archive.h"
#include "archive/object.h"
#include "survey/selection.h"
#include "base/error.h"
#include "wal/geometry.h"
#include "wal/history.h"

/* Segments without a gap between them. Times are those of the objects' last change, seconds since
 * 1970 UTC, sizes are bytes as stored; all 0 when no details were asked for. */
struct inventory_range {
    uint64_t first, last; /* numbers, see wal/geometry.h */
    uint64_t stored;
    int64_t oldest, newest;
    int64_t first_time; /* of its first segment */
};

struct inventory_partial {
    uint64_t number;
    struct object_key key;
    uint64_t stored;
    int64_t time;
};

/* What was archived in one hour: segments and partials. */
struct inventory_hour {
    int64_t hour; /* since 1970 UTC */
    uint64_t segments, stored;
};

struct inventory_timeline {
    uint32_t timeline;
    struct inventory_range *ranges; /* in order; not even one when there is only a history */
    size_t range_count, range_room;
    struct inventory_partial *partials; /* in order */
    size_t partial_count, partial_room;
    struct inventory_hour *hours; /* in order */
    size_t hour_count, hour_room;
    uint64_t segments; /* different ones; */
    uint64_t copies;   /* further objects of one of them, in another coding; */
    uint64_t stored;   /* bytes of all these objects and of partials */
    int64_t oldest, newest;

    struct object_key history; /* "" when it is not there */
    int64_t history_time;
    uint64_t history_stored;
    struct error history_problem;   /* ERROR_NONE: it is right, or not there */
    struct wal_ancestor *ancestors; /* by the history, oldest first; the last is the parent */
    size_t ancestor_count, ancestor_room;
};

struct inventory_backup {
    struct wal_name name;
    struct object_key key;
    uint64_t stored;
    int64_t time;              /* when it was archived: soon after the backup's end */
    struct error problem;      /* ERROR_NONE: content is right */
    struct wal_backup content; /* all zero with a problem */
    uint64_t first, last;      /* numbers of the segments that it needs to be consistent; with a
                                * problem first is the name's, last the same */
};

struct inventory {
    bool has_geometry;            /* there is a segment or partial */
    struct wal_geometry geometry; /* without one: segments of 16 MB */
    uint64_t system_identifier;   /* 0 when it is not known */
    const char *version;          /* of the server that wrote the first segment: "15"; NULL */
    struct inventory_timeline *timelines; /* by number */
    size_t timeline_count, timeline_room;
    struct inventory_backup *backups; /* by position in the WAL, then by timeline */
    size_t backup_count, backup_room;
    uint64_t others, others_stored; /* what is no WAL file */
    struct object_key misfit;       /* the first whose name is of segments of another size, ... */
    uint64_t misfits;               /* ... and how many there are: of the others too */
};

/* Nothing is known yet. */
#define INVENTORY_EMPTY ((struct inventory){.geometry.segment_size = 16 * 1024 * 1024})

/* Reads it; `wanted` is STORAGE_DETAILS or 0. What the selection does not have is left out, but the
 * timelines' histories, which are all there. The archive must be open; it is recognised here.
 * ERROR_USAGE for a selection that is wrong; ERROR_CORRUPT when no segment tells the segments'
 * size. An empty archive, without an identity either, is ERROR_UNREACHABLE: is it mounted? The
 * caller frees it, also after a failure. */
int inventory_read(struct archive *archive, const struct selection_text *selection, unsigned wanted,
                   struct inventory *inventory, struct error *error);
void inventory_free(struct inventory *inventory);

/* Is there no WAL file in it, whatever histories there are? */
bool inventory_is_empty(const struct inventory *inventory);

/* Leaves out the timelines of which there is nothing but a history file, as is right when the
 * selection was a part of the archive. */
void inventory_drop_empty(struct inventory *inventory);

/* The geometry alone, with the cluster and release: from the first segment that is whole enough to
 * tell. inventory_read does this by itself. Returns 1, 0 when there is no segment, -1. */
int inventory_geometry(struct archive *archive, struct inventory *inventory, struct error *error);

/* The histories and backups alone, of the timelines and backups that are known by name;
 * inventory_read does this by itself. What is wrong with one is told in its place and is no
 * failure. */
int inventory_read_files(struct archive *archive, struct inventory *inventory, struct error *error);

/* For whoever has read a whole archive in another way, with `seen` WAL files in it: the same
 * ERROR_UNREACHABLE when it is empty and has no identity. */
int inventory_check_seen(const struct archive *archive, uint64_t seen, struct error *error);

/* NULL when there is none. */
const struct inventory_timeline *inventory_find(const struct inventory *inventory,
                                                uint32_t timeline);

/* The range that holds the segment; NULL when it is not there. */
const struct inventory_range *inventory_range(const struct inventory_timeline *timeline,
                                              uint64_t number);

/* The segments' raw bytes: as many times the segment size. */
uint64_t inventory_raw(const struct inventory *inventory,
                       const struct inventory_timeline *timeline);

#endif
