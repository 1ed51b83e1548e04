/* several/range.h - a range of segments comes back from the archive, several at once, with the
 * history files of the timelines on the way. */
#ifndef SEVERAL_RANGE_H
#define SEVERAL_RANGE_H

#include <stdint.h>

#include "archive/archive.h"

struct error;

struct range {
    const char *from, *to; /* names of segments; `to` NULL: to the end, on the latest timeline that
                            * descends from the one of `from` */
    const char *directory; /* where to; it must be there */
    size_t jobs;           /* files at once, at least 1 */
};

enum range_outcome {
    RANGE_BROUGHT,
    RANGE_THERE, /* it was there already, the same */
    RANGE_FAILED,
};

/* Who is told how it goes. */
struct range_watch {
    void *context;
    /* once, before the first file: how many there will be, and bytes of them */
    void (*begin)(void *context, uint64_t files, uint64_t bytes);
    /* for each file; `failure` is NULL unless it has failed */
    void (*file)(void *context, enum range_outcome outcome, uint64_t bytes,
                 const struct error *failure);
    void (*tick)(void *context); /* several times a second */
};

/* Brings what PostgreSQL would read from `from` to `to`: of each timeline on the way its segments
 * up to the one in which the next timeline forked off, each checked as by fetch_several, under its
 * own name. A file that is there already is left as it is: with other content that is
 * ERROR_REFUSED. What fails by itself does not keep the rest from coming; -1 then with the class
 * of what weighs most. A hole, segments that no archive has, is ERROR_UNREACHABLE and told by its
 * ends. An archive that no longer answers or a full disk ends it at once. ERROR_USAGE for names
 * that are none, a directory that is not there, or a timeline that does not descend from the other.
 */
int archive_fetch_range(const struct archive *archives, size_t count, const struct range *range,
                        const struct range_watch *watch, struct error *error);

#endif
