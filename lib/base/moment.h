/* moment.h - points in time, as people write them. */
#ifndef BASE_MOMENT_H
#define BASE_MOMENT_H

#include <stdint.h>

struct error;

enum { MOMENT_SIZE = 32 };

/* Reads "2026-11-20", "2026-11-20 03:00", "2026-11-20T03:00:59Z" (all UTC), or how long before
 * `now` ("90min", "12h", "7d", "2w"). Seconds since 1970 UTC. ERROR_USAGE says what is allowed. */
int moment_parse(const char *text, int64_t now, int64_t *moment, struct error *error);

/* "2026-11-20 03:00:59Z"; "2026-11-20T03:00:59Z", as ISO 8601 and RFC 3339 have it. */
void moment_format(int64_t moment, char text[MOMENT_SIZE]);
void moment_format_iso(int64_t moment, char text[MOMENT_SIZE]);

int64_t moment_now(void);

#endif
