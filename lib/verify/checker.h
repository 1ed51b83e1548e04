/* verify/checker.h - what a worker process of walverify does: objects are checked, a few at a
 * time, and it is found out until when recoveries can go. Jobs and answers are texts. */
#ifndef VERIFY_CHECKER_H
#define VERIFY_CHECKER_H

#include "verify/check.h"
#include "verify/verify.h"

/* The context of the workers, each of which opens the archive for itself. */
struct checker {
    struct archive archive;
    const struct inventory *inventory;
    uint64_t owner;
    bool looks_at_records;
    struct check check;
};

/* `archive` is copied, but for its storage; the inventory is borrowed. */
struct checker checker_new(const struct archive *archive, const struct inventory *inventory,
                           enum verify_depth depth);

/* A job's first line is its number, for whoever made it. Then:
 *
 * "check", and a line for each key, in the archive's order. Answer, a line for each: what has been
 * found, and three numbers, raw bytes, records, and enum check_reach; or a message.
 *     whole RAW RECORDS REACH
 *     damaged MESSAGE
 *     gone
 *
 * "time TARGET NUMBER": when the last transaction ended in the segment NUMBER on the way to the
 * timeline TARGET, or in one of some before it. Answer: microseconds since 1970 UTC, or "none".
 *
 * ERROR_UNREACHABLE, ERROR_SYSTEM. */
int checker_run(void *context, const char *job, struct buf *answer, struct error *error);
void checker_leave(void *context);

#endif
