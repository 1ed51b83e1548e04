/* report/human.h - numbers as people read them. Each writes at most HUMAN_SIZE bytes and returns
 * `text`, so that it can stand among the arguments of a printf. */
#ifndef REPORT_HUMAN_H
#define REPORT_HUMAN_H

#include <stdint.h>

enum { HUMAN_SIZE = 40 };

/* "512 B", "1.2 GiB": three digits, powers of 1024. */
const char *human_size(uint64_t bytes, char text[HUMAN_SIZE]);

/* "312", "300,000". */
const char *human_count(uint64_t count, char text[HUMAN_SIZE]);

/* "45 s", "12 min", "3 h 20 min", "41 days"; a negative one has a "-" in front. */
const char *human_duration(int64_t seconds, char text[HUMAN_SIZE]);

/* "85 MiB/s", by bytes and milliseconds; "-" when no time has passed. */
const char *human_rate(uint64_t bytes, uint64_t milliseconds, char text[HUMAN_SIZE]);

/* "2026-11-20 03:00 - 2026-11-21 17:41", from one moment to another, to the minute, UTC; one of
 * them when they are the same; "" when they are not known (0). */
const char *human_period(int64_t from, int64_t to, char text[HUMAN_SIZE]);

/* "3.42", "11.5", "120": `whole` is so many times `part`; "-" when there is no part. */
const char *human_ratio(uint64_t whole, uint64_t part, char text[HUMAN_SIZE]);

/* "16/B374D848", as PostgreSQL writes an LSN. */
const char *human_lsn(uint64_t address, char text[HUMAN_SIZE]);

#endif
