/* config/table.h - the table of settings and how a value is read. Only for files of this room. */
#ifndef CONFIG_TABLE_H
#define CONFIG_TABLE_H

#include "config/settings.h"

enum setting_type {
    SETTING_FLAG,     /* bool; without a value on the command line, elsewhere "no" or "yes" */
    SETTING_TEXT,     /* char *, owned */
    SETTING_TEXTS,    /* char **, NULL-terminated, owned: each value is one more */
    SETTING_DURATION, /* uint64_t, milliseconds; "90s", "500ms", "2min", a bare number is seconds */
    SETTING_AGE,      /* uint64_t, seconds; "7d", "36h" */
    SETTING_CHOICE,   /* int: index into words */
    SETTING_NUMBER,   /* uint64_t, at most 65535 */
    SETTING_PERCENT,  /* uint64_t, of 10,000; "5%", "0.25%" */
    SETTING_SIZE,     /* uint64_t, bytes; "32MiB", "500kB", "0" */
    SETTING_SHARE,    /* uint64_t: how many of several; "all" is 0, "any" 1 */
};

enum setting_place {
    SETTING_OPTION = 1 << 0,
    SETTING_ENVIRONMENT = 1 << 1,
    SETTING_FILE = 1 << 2,
    SETTING_SECTION = 1 << 3, /* in the file, but only in a section */
};

struct setting {
    const char *name;  /* as in the file; with "--" before it the option */
    char letter;       /* short option, 0 for none */
    unsigned commands; /* whose option it is: enum settings_command */
    unsigned places;   /* enum setting_place */
    enum setting_type type;
    size_t offset;            /* in struct settings */
    const char *initial;      /* default value; NULL: false, 0 or NULL */
    const char *argument;     /* its name in --help; NULL for a flag */
    const char *const *words; /* of a choice, NULL-terminated */
    const char *help;
};

/* NULL behind the last index. */
const struct setting *setting_at(size_t index);

/* The setting of this name; NULL when there is none. */
const struct setting *setting_find(const char *name);

/* Reads the value (NULL: a flag that was given) and stores it. ERROR_USAGE says what the setting
 * takes. */
int setting_store(const struct setting *setting, const char *value, struct settings *settings,
                  struct error *error);

/* Frees what the setting holds there, if it is owned. */
void setting_free(const struct setting *setting, struct settings *settings);

#endif
