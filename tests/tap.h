/* tap.h - the Test Anything Protocol for unit tests in C: what prove(1) reads.
 *
 *     int main(void)
 *     {
 *         ok(1 + 1 == 2, "one and one");
 *         is_int(2, 1 + 1, "sum is %d", 2);
 *         return done_testing();
 *     }
 */
#ifndef TAP_H
#define TAP_H

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static int tap_count, tap_failed;

__attribute__((format(printf, 2, 3))) static bool ok(bool passed, const char *format, ...)
{
    va_list args;
    printf("%sok %d - ", passed ? "" : "not ", ++tap_count);
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
    fflush(stdout);
    tap_failed += !passed;
    return passed;
}

#define is_int(got, expected, ...)                                                                 \
    do {                                                                                           \
        intmax_t tap_got = (got), tap_expected = (expected);                                       \
        if (!ok(tap_got == tap_expected, __VA_ARGS__))                                             \
            printf("# %s:%d: got %jd, expected %jd\n", __FILE__, __LINE__, tap_got, tap_expected); \
    } while (0)

#define is_string(got, expected, ...)                                                              \
    do {                                                                                           \
        const char *tap_got = (got), *tap_expected = (expected);                                   \
        if (!ok(tap_got && !strcmp(tap_got, tap_expected), __VA_ARGS__))                           \
            printf("# %s:%d: got \"%s\", expected \"%s\"\n", __FILE__, __LINE__,                   \
                   tap_got ? tap_got : "(null)", tap_expected);                                    \
    } while (0)

static int done_testing(void)
{
    printf("1..%d\n", tap_count);
    return tap_failed != 0;
}

#endif
