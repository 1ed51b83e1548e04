#include "base/moment.h"
#include "base/error.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const struct unit {
    const char *name;
    int64_t seconds;
} units[] = {{"s", 1}, {"min", 60}, {"h", 3600}, {"d", 86400}, {"w", 7 * 86400}};

static bool parse_age(const char *text, int64_t *seconds)
{
    char *end;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (*text < '0' || *text > '9' || errno || number > INT32_MAX)
        return false;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (strcmp(end, units[i].name) == 0) {
            *seconds = number * units[i].seconds;
            return true;
        }
    return false;
}

static bool parse_date(const char *text, int64_t *moment)
{
    static const char *const formats[] = {"%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M",
                                          "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S"};
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        struct tm tm = {0};
        const char *end = strptime(text, formats[i], &tm);
        if (end && (!*end || strcmp(end, "Z") == 0)) {
            *moment = timegm(&tm);
            return true;
        }
    }
    return false;
}

int moment_parse(const char *text, int64_t now, int64_t *moment, struct error *error)
{
    int64_t age;
    if (parse_date(text, moment))
        return 0;
    if (!parse_age(text, &age))
        return error_set(error, ERROR_USAGE,
                         "\"%s\" is no time: give a date, \"2026-11-20 03:00\" in UTC, or an age, "
                         "such as 90min, 12h, 7d",
                         text);
    *moment = now - age;
    return 0;
}

static void format(int64_t moment, const char *how, char text[MOMENT_SIZE])
{
    time_t time = (time_t)moment;
    struct tm tm;
    if (!gmtime_r(&time, &tm) || strftime(text, MOMENT_SIZE, how, &tm) == 0)
        text[0] = '\0';
}

void moment_format(int64_t moment, char text[MOMENT_SIZE])
{
    format(moment, "%Y-%m-%d %H:%M:%SZ", text);
}

void moment_format_iso(int64_t moment, char text[MOMENT_SIZE])
{
    format(moment, "%Y-%m-%dT%H:%M:%SZ", text);
}

int64_t moment_now(void)
{
    return time(NULL);
}
