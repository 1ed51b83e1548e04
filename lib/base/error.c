#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const int exit_codes[] = {
    [ERROR_NONE] = 0,        [ERROR_MISSING] = 1, [ERROR_USAGE] = 2,
    [ERROR_UNREACHABLE] = 3, [ERROR_REFUSED] = 4, [ERROR_EXISTS] = 4,
    [ERROR_CORRUPT] = 5,     [ERROR_SYSTEM] = 6,  [ERROR_INTERRUPTED] = 6,
};

int error_exit_code(enum error_class class)
{
    return exit_codes[class];
}

/* One message is one line, whatever file name went into it. */
static void flatten(char *message)
{
    for (char *c = message; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            *c = '?';
}

static void set(struct error *error, enum error_class class, const char *format, va_list args)
{
    error->class = class;
    vsnprintf(error->message, sizeof error->message, format, args);
    flatten(error->message);
}

int error_set(struct error *error, enum error_class class, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    set(error, class, format, args);
    va_end(args);
    return -1;
}

int error_set_errno(struct error *error, enum error_class class, const char *format, ...)
{
    int number = errno;
    va_list args;
    va_start(args, format);
    set(error, number == EINTR ? ERROR_INTERRUPTED : class, format, args);
    va_end(args);
    size_t used = strlen(error->message);
    snprintf(error->message + used, sizeof error->message - used, ": %s", strerror(number));
    return -1;
}

int error_prefix(struct error *error, const char *format, ...)
{
    char message[ERROR_MESSAGE_SIZE];
    memcpy(message, error->message, sizeof message);
    enum error_class class = error->class;
    va_list args;
    va_start(args, format);
    set(error, class, format, args);
    va_end(args);
    size_t used = strlen(error->message);
    snprintf(error->message + used, sizeof error->message - used, "%s", message);
    return -1;
}

int error_memory(struct error *error)
{
    return error_set(error, ERROR_SYSTEM, "out of memory");
}
