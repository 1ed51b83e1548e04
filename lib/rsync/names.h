/* rsync/names.h - names as rsync writes and reads them. */
#ifndef RSYNC_NAMES_H
#define RSYNC_NAMES_H

#include <stdbool.h>

#include "base/buf.h"

struct error;

#define RSYNC_OWN ".waltools/"

/* Is the key one of the archive's own, of which the identity is the first object of all? Only these
 * may find RSYNC_OWN missing. */
bool rsync_is_own(const char *key);

/* A name as it is, in place of how rsync prints it; returns it. */
char *rsync_unescape(char *name);

/* Appends the text to a filter rule, as it is: rsync(1), "PATTERN MATCHING RULES". */
int rsync_add_pattern(struct buf *rule, const char *text, struct error *error);

#endif
