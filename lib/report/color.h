/* report/color.h - colours, for who wants them and on what can show them. They only stress: no text
 * means something by its colour alone. */
#ifndef REPORT_COLOR_H
#define REPORT_COLOR_H

#include <stdbool.h>
#include <stdio.h>

/* In the order of the setting's words. */
enum color_when {
    COLOR_AUTO, /* on a terminal, unless NO_COLOR is set and not empty (https://no-color.org) or
                 * TERM is "dumb" or not set */
    COLOR_ALWAYS,
    COLOR_NEVER,
};

enum color_role {
    COLOR_PLAIN,
    COLOR_TITLE, /* what a block is about */
    COLOR_GOOD,
    COLOR_WARNING,
    COLOR_BAD,
    COLOR_FAINT, /* what matters less */
    COLOR_ACCENT,
    COLOR_ROLES,
};

struct colors {
    bool on;
};

struct colors color_choose(enum color_when when, FILE *out);

/* What begins text of this role, and what ends it; "" when colours are off or the role is plain. */
const char *color_begin(const struct colors *colors, enum color_role role);
const char *color_end(const struct colors *colors, enum color_role role);

#endif
