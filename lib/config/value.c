/* How a value is read. */
#include "base/error.h"
#include "base/moment.h"
#include "config/table.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct unit {
    const char *name;
    uint64_t milliseconds;
} units[] = {{"", 1000}, {"ms", 1}, {"s", 1000}, {"min", 60000}, {"h", 3600000}};

static int store_duration(const struct setting *setting, const char *value, uint64_t *field,
                          struct error *error)
{
    char *end;
    errno = 0;
    unsigned long long number = strtoull(value, &end, 10);
    bool digits = *value >= '0' && *value <= '9' && errno == 0;
    for (size_t i = 0; digits && i < sizeof units / sizeof *units; i++) {
        uint64_t most = UINT64_C(1000) * 3600000; /* 1000 hours */
        if (strcmp(end, units[i].name) == 0 && number > 0 &&
            number <= most / units[i].milliseconds) {
            *field = number * units[i].milliseconds;
            return 0;
        }
    }
    return error_set(
        error, ERROR_USAGE,
        "%s: \"%s\" is no time: give a number above 0 with ms, s, min or h, such as 90s",
        setting->name, value);
}

static const struct age_unit {
    const char *name;
    uint64_t seconds;
} age_units[] = {{"s", 1}, {"min", 60}, {"h", 3600}, {"d", 86400}, {"w", 7 * 86400}};

static int store_age(const struct setting *setting, const char *value, uint64_t *field,
                     struct error *error)
{
    char *end;
    errno = 0;
    unsigned long long number = strtoull(value, &end, 10);
    bool digits = *value >= '0' && *value <= '9' && errno == 0;
    for (size_t i = 0; digits && i < sizeof age_units / sizeof *age_units; i++)
        if (strcmp(end, age_units[i].name) == 0 && number > 0 && number <= UINT16_MAX) {
            *field = number * age_units[i].seconds;
            return 0;
        }
    return error_set(error, ERROR_USAGE,
                     "%s: \"%s\" is no time: give a number from 1 to %d with s, min, h, d or w, "
                     "such as 7d",
                     setting->name, value, UINT16_MAX);
}

enum { NUMBER_MAX = 65535 };

static int store_number(const struct setting *setting, const char *value, uint64_t *field,
                        struct error *error)
{
    char *end;
    unsigned long long number = strtoull(value, &end, 10);
    if (*value < '0' || *value > '9' || *end || number > NUMBER_MAX)
        return error_set(error, ERROR_USAGE, "%s: \"%s\" is no number from 0 to %d", setting->name,
                         value, NUMBER_MAX);
    *field = number;
    return 0;
}

enum { PERCENT = 100 };

static int store_percent(const struct setting *setting, const char *value, uint64_t *field,
                         struct error *error)
{
    char *end;
    double percent = strtod(value, &end);
    bool digits = (*value >= '0' && *value <= '9') || *value == '.';
    if (!digits || end == value || (*end && strcmp(end, "%") != 0) ||
        !(percent >= 1.0 / PERCENT && percent <= PERCENT))
        return error_set(error, ERROR_USAGE,
                         "%s: \"%s\" is no percentage: give a number from 0.01%% to 100%%",
                         setting->name, value);
    *field = (uint64_t)(percent * PERCENT + 0.5);
    return 0;
}

static const struct size_unit {
    const char *name;
    uint64_t bytes;
} size_units[] = {{"", 1},
                  {"B", 1},
                  {"kB", 1000},
                  {"MB", 1000000},
                  {"GB", 1000000000},
                  {"TB", UINT64_C(1000000000000)},
                  {"KiB", 1 << 10},
                  {"MiB", 1 << 20},
                  {"GiB", 1 << 30},
                  {"k", 1 << 10},
                  {"K", 1 << 10},
                  {"M", 1 << 20},
                  {"G", 1 << 30},
                  {"T", UINT64_C(1) << 40},
                  {"TiB", UINT64_C(1) << 40}};

static int store_size(const struct setting *setting, const char *value, uint64_t *field,
                      struct error *error)
{
    char *end;
    errno = 0;
    unsigned long long number = strtoull(value, &end, 10);
    bool digits = *value >= '0' && *value <= '9' && errno == 0;
    for (size_t i = 0; digits && i < sizeof size_units / sizeof *size_units; i++)
        if (strcmp(end, size_units[i].name) == 0 &&
            number <= (UINT64_C(1) << 60) / size_units[i].bytes) {
            *field = number * size_units[i].bytes;
            return 0;
        }
    return error_set(
        error, ERROR_USAGE,
        "%s: \"%s\" is no size: give a number with B, kB, MB, GB, TB, KiB, MiB, GiB or TiB",
        setting->name, value);
}

static int store_share(const struct setting *setting, const char *value, uint64_t *field,
                       struct error *error)
{
    static const char *const words[] = {"all", "any"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(value, words[i]) == 0) {
            *field = i;
            return 0;
        }
    if (store_number(setting, value, field, error) || *field == 0)
        return error_set(error, ERROR_USAGE, "%s: \"%s\" is neither all, any nor a number from 1",
                         setting->name, value);
    return 0;
}

static int store_choice(const struct setting *setting, const char *value, int *field,
                        struct error *error)
{
    for (int i = 0; setting->words[i]; i++)
        if (strcmp(setting->words[i], value) == 0) {
            *field = i;
            return 0;
        }
    error_set(error, ERROR_USAGE, "%s: \"%s\" is none of", setting->name, value);
    for (int i = 0; setting->words[i]; i++) {
        size_t used = strlen(error->message);
        snprintf(error->message + used, sizeof error->message - used, "%s %s", i ? "," : "",
                 setting->words[i]);
    }
    return -1;
}

/* What a text holds may go into a message, a request or a command line. */
static int check_text(const struct setting *setting, const char *value, struct error *error)
{
    for (const char *c = value; *c; c++)
        if (iscntrl((unsigned char)*c))
            return error_set(error, ERROR_USAGE, "%s: the value holds a control character",
                             setting->name);
    if (!*value && (!setting->initial || *setting->initial))
        return error_set(error, ERROR_USAGE, "%s: the value is empty", setting->name);
    return 0;
}

static int store_text(const struct setting *setting, const char *value, char **field,
                      struct error *error)
{
    if (check_text(setting, value, error))
        return -1;
    char *copy = strdup(value);
    if (!copy)
        return error_memory(error);
    free(*field);
    *field = copy;
    return 0;
}

static int store_texts(const struct setting *setting, const char *value, char ***field,
                       struct error *error)
{
    size_t count = 0;
    if (check_text(setting, value, error))
        return -1;
    while (*field && (*field)[count])
        count++;
    char **texts = realloc(*field, (count + 2) * sizeof *texts);
    if (!texts)
        return error_memory(error);
    *field = texts;
    texts[count] = strdup(value);
    texts[count + 1] = NULL;
    return texts[count] ? 0 : error_memory(error);
}

static const char *const no_yes_words[] = {"no", "yes", NULL};

static int store_flag(const struct setting *setting, const char *value, bool *field,
                      struct error *error)
{
    const struct setting choice = {.name = setting->name, .words = no_yes_words};
    int index = 1;
    if (value && store_choice(&choice, value, &index, error))
        return -1;
    *field = index == 1;
    return 0;
}

int setting_store(const struct setting *setting, const char *value, struct settings *settings,
                  struct error *error)
{
    void *field = (char *)settings + setting->offset;
    switch (setting->type) {
    case SETTING_FLAG:
        return store_flag(setting, value, field, error);
    case SETTING_TEXT:
        return store_text(setting, value, field, error);
    case SETTING_TEXTS:
        return store_texts(setting, value, field, error);
    case SETTING_DURATION:
        return store_duration(setting, value, field, error);
    case SETTING_AGE:
        return store_age(setting, value, field, error);
    case SETTING_CHOICE:
        return store_choice(setting, value, field, error);
    case SETTING_NUMBER:
        return store_number(setting, value, field, error);
    case SETTING_PERCENT:
        return store_percent(setting, value, field, error);
    case SETTING_SIZE:
        return store_size(setting, value, field, error);
    case SETTING_SHARE:
        return store_share(setting, value, field, error);
    }
    return 0;
}

static void free_texts(char **texts)
{
    for (size_t i = 0; texts && texts[i]; i++)
        free(texts[i]);
    free(texts);
}

void setting_free(const struct setting *setting, struct settings *settings)
{
    void *field = (char *)settings + setting->offset;
    if (setting->type == SETTING_TEXT) {
        free(*(char **)field);
        *(char **)field = NULL;
    } else if (setting->type == SETTING_TEXTS) {
        free_texts(*(char ***)field);
        *(char ***)field = NULL;
    }
}
