/* run/idle.h - does another process stand still? One that waits for a storage that does not answer
 * uses no processor time; one that works does, or is woken now and then. */
#ifndef RUN_IDLE_H
#define RUN_IDLE_H

#include <stdint.h>
#include <sys/types.h>

struct idle {
    uint64_t used;  /* nanoseconds of processor time when it was last seen to move */
    uint64_t alive; /* clock_now_ms then */
};

/* It moves now. */
void idle_start(struct idle *idle, pid_t process);

/* For how many milliseconds it has stood still. */
uint64_t idle_look(struct idle *idle, pid_t process);

#endif
