/* rsync/arguments.h - a list of texts that grows: arguments and environments of programs. */
#ifndef RSYNC_ARGUMENTS_H
#define RSYNC_ARGUMENTS_H

#include <stdbool.h>
#include <stddef.h>

struct error;

/* Zero-initialise. `list` is NULL-terminated as soon as there is one; the texts are owned. */
struct arguments {
    char **list;
    size_t count;
    bool failed; /* memory ran out: nothing more was added */
};

void arguments_add(struct arguments *arguments, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void arguments_free(struct arguments *arguments);

/* 0, or -1 when memory ran out at any time. */
int arguments_check(const struct arguments *arguments, struct error *error);

#endif
