/* run/retry.h - trying again: how often, how long, and after which failures. */
#ifndef RUN_RETRY_H
#define RUN_RETRY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct retry {
    uint64_t deadline; /* clock_now_ms */
    uint64_t delay;    /* milliseconds until the next attempt */
};

/* Attempts may go on for `budget` milliseconds from now; 0: the first is the only one. */
void retry_start(struct retry *retry, uint64_t budget);

/* After a failed attempt: true when there should be another, after having waited for it. Only what
 * time can mend is tried again: ERROR_UNREACHABLE, ERROR_CORRUPT, ERROR_SYSTEM. */
bool retry_again(struct retry *retry, enum error_class class);

#endif
