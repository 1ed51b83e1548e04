/* rsync/failure.h - what exit codes and messages of rsync and ssh mean. */
#ifndef RSYNC_FAILURE_H
#define RSYNC_FAILURE_H

#include "rsync/place.h"

struct error;

/* Sets the error for an exit code other than 0 and the text on standard error. Always
 * returns -1. */
int rsync_fail(const struct rsync_place *place, int code, const char *told, struct error *error);

/* Does the text say that an option (named without dashes) is not known there, or here? */
bool rsync_knows_not(const char *told, const char *option);

#endif
