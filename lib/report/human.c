#include "report/human.h"
#include "base/moment.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Three digits, without zeros that say nothing: "1", "1.25", "12.5", "125". */
static const char *three_digits(double value, const char *unit, char text[HUMAN_SIZE])
{
    int decimals = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
    int length = snprintf(text, HUMAN_SIZE, "%.*f", decimals, value);
    while (decimals > 0 && text[length - 1] == '0') {
        length--;
        decimals--;
    }
    if (text[length - 1] == '.')
        length--;
    snprintf(text + length, HUMAN_SIZE - (size_t)length, "%s", unit);
    return text;
}

const char *human_size(uint64_t bytes, char text[HUMAN_SIZE])
{
    static const char *const units[] = {" B", " KiB", " MiB", " GiB", " TiB", " PiB", " EiB"};
    double value = (double)bytes;
    size_t unit = 0;
    /* What would be rounded to 1024 is one of the next unit. */
    for (; value >= 1023.5 && unit + 1 < sizeof units / sizeof *units; unit++)
        value /= 1024;
    return three_digits(value, units[unit], text);
}

const char *human_count(uint64_t count, char text[HUMAN_SIZE])
{
    char digits[HUMAN_SIZE];
    size_t length = (size_t)snprintf(digits, sizeof digits, "%" PRIu64, count), at = 0;
    for (size_t i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            text[at++] = ',';
        text[at++] = digits[i];
    }
    text[at] = '\0';
    return text;
}

/* Two units at the most, and the smaller one only while it still matters. */
const char *human_duration(int64_t seconds, char text[HUMAN_SIZE])
{
    enum { MINUTE = 60, HOUR = 3600, DAY = 86400 };
    const char *sign = seconds < 0 ? "-" : "";
    uint64_t s = seconds < 0 ? -(uint64_t)seconds : (uint64_t)seconds;
    if (s < 2 * MINUTE)
        snprintf(text, HUMAN_SIZE, "%s%" PRIu64 " s", sign, s);
    else if (s < HOUR)
        snprintf(text, HUMAN_SIZE, "%s%" PRIu64 " min", sign, s / MINUTE);
    else if (s < 2 * DAY && s % HOUR >= MINUTE)
        snprintf(text, HUMAN_SIZE, "%s%" PRIu64 " h %" PRIu64 " min", sign, s / HOUR,
                 s % HOUR / MINUTE);
    else if (s < 2 * DAY)
        snprintf(text, HUMAN_SIZE, "%s%" PRIu64 " h", sign, s / HOUR);
    else if (s < 10 * DAY && s % DAY >= HOUR)
        snprintf(text, HUMAN_SIZE, "%s%" PRIu64 " days %" PRIu64 " h", sign, s / DAY,
                 s % DAY / HOUR);
    else
        snprintf(text, HUMAN_SIZE, "%s%" PRIu64 " days", sign, s / DAY);
    return text;
}

const char *human_period(int64_t from, int64_t to, char text[HUMAN_SIZE])
{
    enum { TO_THE_MINUTE = 16 };
    char begin[MOMENT_SIZE], end[MOMENT_SIZE];
    moment_format(from, begin);
    moment_format(to, end);
    if (!to)
        text[0] = '\0';
    else if (strncmp(begin, end, TO_THE_MINUTE) == 0)
        snprintf(text, HUMAN_SIZE, "%.*s", TO_THE_MINUTE, end);
    else
        snprintf(text, HUMAN_SIZE, "%.*s - %.*s", TO_THE_MINUTE, begin, TO_THE_MINUTE, end);
    return text;
}

const char *human_rate(uint64_t bytes, uint64_t milliseconds, char text[HUMAN_SIZE])
{
    if (milliseconds == 0) {
        snprintf(text, HUMAN_SIZE, "-");
        return text;
    }
    human_size((uint64_t)((double)bytes * 1000 / (double)milliseconds), text);
    size_t length = strlen(text);
    snprintf(text + length, HUMAN_SIZE - length, "/s");
    return text;
}

const char *human_ratio(uint64_t whole, uint64_t part, char text[HUMAN_SIZE])
{
    if (part == 0) {
        snprintf(text, HUMAN_SIZE, "-");
        return text;
    }
    return three_digits((double)whole / (double)part, "", text);
}

const char *human_lsn(uint64_t address, char text[HUMAN_SIZE])
{
    snprintf(text, HUMAN_SIZE, "%" PRIX32 "/%" PRIX32, (uint32_t)(address >> 32),
             (uint32_t)address);
    return text;
}
