#include "base/log.h"
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *log_program = "waltools";
static enum log_level log_level = LOG_LEVEL_WARNING;
static const char *log_before = "";

void log_open(const char *program, enum log_level level)
{
    log_program = program;
    log_level = level;
}

void log_lead(const char *text)
{
    log_before = text;
}

static void emit(const char *severity, const char *format, va_list args)
{
    char line[ERROR_MESSAGE_SIZE + 128];
    int used = snprintf(line, sizeof line, "%s%s: %s", log_before, log_program, severity);
    size_t room = sizeof line - (size_t)used;
    int wanted = vsnprintf(line + used, room, format, args);
    size_t length = (size_t)used + ((size_t)wanted < room ? (size_t)wanted : room - 1);
    line[length] = '\n';
    /* There is nobody to tell when standard error itself fails. */
    ssize_t ignored = write(STDERR_FILENO, line, length + 1);
    (void)ignored;
}

#define EMIT(severity, format)                                                                     \
    va_list args;                                                                                  \
    va_start(args, format);                                                                        \
    emit(severity, format, args);                                                                  \
    va_end(args)

void log_warning(const char *format, ...)
{
    if (log_level >= LOG_LEVEL_WARNING) {
        EMIT("warning: ", format);
    }
}

void log_info(const char *format, ...)
{
    if (log_level >= LOG_LEVEL_INFO) {
        EMIT("", format);
    }
}

void log_plain(const char *format, ...)
{
    EMIT("", format);
}

static void emit_line(const char *severity, const char *format, ...)
{
    EMIT(severity, format);
}

void log_error(const struct error *error)
{
    emit_line("error: ", "%s", error->message);
}
