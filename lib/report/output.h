/* report/output.h - could what was printed be written? */
#ifndef REPORT_OUTPUT_H
#define REPORT_OUTPUT_H

#include <stdio.h>

struct error;

/* Flushes. ERROR_SYSTEM when something could not be written; ERROR_INTERRUPTED when nobody reads it
 * any more (EPIPE), as behind `| head`: that is no failure to tell of. */
int output_finish(FILE *out, struct error *error);

/* The same, without flushing, for whoever has much to print; to be called directly behind a print.
 */
int output_check(FILE *out, struct error *error);

#endif
