/* clock.h - time that only goes forward, and waiting that a signal ends. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

/* Milliseconds since some fixed moment. */
uint64_t clock_now_ms(void);

/* Sleeps; returns early when a signal arrives. */
void clock_sleep_ms(uint64_t milliseconds);

#endif
