#include "run/idle.h"
#include "base/clock.h"

#include <time.h>

static uint64_t processor_time(pid_t process)
{
    clockid_t clock;
    struct timespec used = {0};
    if (clock_getcpuclockid(process, &clock) == 0)
        clock_gettime(clock, &used);
    return (uint64_t)used.tv_sec * 1000000000 + (uint64_t)used.tv_nsec;
}

void idle_start(struct idle *idle, pid_t process)
{
    *idle = (struct idle){processor_time(process), clock_now_ms()};
}

uint64_t idle_look(struct idle *idle, pid_t process)
{
    uint64_t now = clock_now_ms(), used = processor_time(process);
    if (used != idle->used)
        *idle = (struct idle){used, now};
    return now - idle->alive;
}
