#include "report/color.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The terminal's own sixteen colours (ECMA-48, SGR), which fit its background. */
static const char *const codes[COLOR_ROLES] = {
    [COLOR_PLAIN] = "",           [COLOR_TITLE] = "\033[1m", [COLOR_GOOD] = "\033[32m",
    [COLOR_WARNING] = "\033[33m", [COLOR_BAD] = "\033[31m",  [COLOR_FAINT] = "\033[2m",
    [COLOR_ACCENT] = "\033[36m",
};

static bool is_wanted(void)
{
    const char *no = getenv("NO_COLOR"), *term = getenv("TERM");
    return (!no || !*no) && term && *term && strcmp(term, "dumb") != 0;
}

struct colors color_choose(enum color_when when, FILE *out)
{
    bool on = when == COLOR_ALWAYS || (when == COLOR_AUTO && is_wanted() && isatty(fileno(out)));
    return (struct colors){on};
}

const char *color_begin(const struct colors *colors, enum color_role role)
{
    return colors->on ? codes[role] : "";
}

const char *color_end(const struct colors *colors, enum color_role role)
{
    return colors->on && *codes[role] ? "\033[0m" : "";
}
