/* report/output.h - where what is shown goes, and whether it could be written. */
#ifndef REPORT_OUTPUT_H
#define REPORT_OUTPUT_H

#include <stdio.h>

#include "base/tempfile.h"

struct error;

/* Flushes. ERROR_SYSTEM when something could not be written; ERROR_INTERRUPTED when nobody reads it
 * any more (EPIPE), as behind `| head`: that is no failure to tell of. */
int output_finish(FILE *out, struct error *error);

/* The same, without flushing, for whoever has much to print; to be called directly behind a print.
 */
int output_check(FILE *out, struct error *error);

/* A file that is made, or replaced, when it is complete: nothing else ever has its name. "-" is
 * standard output. ERROR_SYSTEM, with the name. output_discard frees, and is right after a commit
 * too. */
struct output_file {
    FILE *out;        /* for whoever prints */
    const char *path; /* borrowed */
    const char *name; /* the last part of it */
    struct tempfile temporary;
};
int output_create(struct output_file *file, const char *path, struct error *error);
int output_commit(struct output_file *file, struct error *error);
void output_discard(struct output_file *file);

#endif
