/* several/several.h - the same for several archives, each in a process of its own: one that hangs
 * or fails does not keep the others waiting. */
#ifndef SEVERAL_SEVERAL_H
#define SEVERAL_SEVERAL_H

#include "archive/archive.h"
#include "base/error.h"

struct several_work {
    /* Is given a copy of the archive, not opened, and of the context: what it changes there is not
     * seen outside its process. What it prints goes out when it returns. */
    int (*run)(void *context, struct archive *archive, struct error *error);
    void *context;
    size_t at_once; /* how many at the same time, at least 1 */
};

/* Runs it for each. failures[i] is what the one for archives[i] has failed with, behind the
 * archive's location, ERROR_NONE when it has not: ERROR_UNREACHABLE also when it has stood still
 * for as long as the archive's timeout, ERROR_SYSTEM when it has crashed. -1 when that can't be
 * told: ERROR_SYSTEM, ERROR_INTERRUPTED. */
int several_run(const struct archive *archives, size_t count, const struct several_work *work,
                struct error *failures, struct error *error);

/* ERROR_USAGE when two of them are one place, however it is written: it would count for two. What
 * only the file system knows, such as a symbolic link, is not seen: nothing is asked here. */
int several_check_places(const struct archive *archives, size_t count, struct error *error);

/* The index of the failure that weighs most, `count` when all are ERROR_NONE: what a person must
 * look into before what time may mend. */
size_t several_worst(const struct error *failures, size_t count);

#endif
