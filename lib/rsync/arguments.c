#include "rsync/arguments.h"
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static bool has_room(struct arguments *arguments)
{
    enum { STEP = 16 };
    if (arguments->count % STEP != STEP - 1 && arguments->list)
        return true;
    size_t room = (arguments->count / STEP + (arguments->list != NULL) + 1) * STEP;
    char **list = realloc(arguments->list, room * sizeof *list);
    if (list)
        arguments->list = list;
    return list != NULL;
}

void arguments_add(struct arguments *arguments, const char *format, ...)
{
    char *text = NULL;
    va_list values;
    va_start(values, format);
    if (!arguments->failed && (!has_room(arguments) || vasprintf(&text, format, values) < 0))
        arguments->failed = true;
    va_end(values);
    if (arguments->failed)
        return;
    arguments->list[arguments->count++] = text;
    arguments->list[arguments->count] = NULL;
}

void arguments_free(struct arguments *arguments)
{
    for (size_t i = 0; i < arguments->count; i++)
        free(arguments->list[i]);
    free(arguments->list);
    *arguments = (struct arguments){.list = NULL};
}

int arguments_check(const struct arguments *arguments, struct error *error)
{
    return arguments->failed ? error_memory(error) : 0;
}
