/* archive/salvage.h - what a server that is down had ready for its archive still goes in. */
#ifndef ARCHIVE_SALVAGE_H
#define ARCHIVE_SALVAGE_H

#include <stddef.h>

#include "archive/archive.h"
#include "archive/identity.h"
#include "wal/name.h"

struct error;

struct salvage {
    char **paths; /* of the files that are ready, in the order in which PostgreSQL would archive
                   * them; NULL-terminated */
    size_t count, room;
    size_t gone; /* how many are ready, but not there any more */
    /* The newest segment that holds WAL and is neither ready nor archived: the server was writing
     * it. "" when there is none. */
    char in_use[WAL_NAME_MAX + 1];
    const char *directory; /* pg_wal, or pg_xlog */
};

/* Looks into the data directory that is the working directory. ERROR_USAGE when it is none or
 * another user's; ERROR_REFUSED when the server runs; ERROR_SYSTEM. The caller frees it, also after
 * a failure. */
int salvage_find(struct salvage *salvage, struct error *error);
void salvage_free(struct salvage *salvage);

/* Archives all of them, several at once where that costs less. A line on standard error tells how
 * many; archive_status stays as it is, so that a server that is started again finds out by itself.
 * A file that is refused or damaged is told in a warning and does not keep the others back: then -1
 * with its class. An archive that can't be reached ends it: -1 with how many are left. */
int archive_salvage(struct archive *archive, const struct salvage *salvage, enum identity_new new,
                    struct error *error);

#endif
