/* several/repair.h - what one of several archives lacks is copied from another, checked. */
#ifndef SEVERAL_REPAIR_H
#define SEVERAL_REPAIR_H

#include <stdint.h>

#include "archive/archive.h"
#include "wal/name.h"

struct error;

/* Who is told how it goes. */
struct repair_watch {
    void *context;
    /* what would be copied; NULL: it is done, not told */
    void (*plan)(void *context, const struct wal_name *name, const char *from, const char *to);
    void (*copied)(void *context, uint64_t copies, uint64_t bytes); /* of raw content */
    void (*failed)(void *context, const struct error *failure);
    void (*tick)(void *context); /* several times a second */
};

/* Brings every WAL file that any of the archives has into all that lack it, `jobs` at once. Each is
 * read whole and checked as by a fetch, and put where it lacks create-only, in that archive's own
 * coding, labelled with the time at which it was first archived. All must answer and be the same
 * cluster's. One without an identity is another tool's, and only read.
 *
 * A copy that is damaged is not replaced, as nothing is overwritten: a warning names the object
 * that must be moved away first. Where archives differ in a timeline's history file, or in the last
 * of its segments that they have in common, two servers use the timeline: nothing of it is copied.
 * Such failures are told one by one and do not keep the rest back: then -1 with the class of what
 * weighs most. ERROR_UNREACHABLE, ERROR_SYSTEM and ERROR_INTERRUPTED end it. */
int archive_repair(const struct archive *archives, size_t count, size_t jobs,
                   const struct repair_watch *watch, struct error *error);

#endif
