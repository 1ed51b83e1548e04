/* archive/datadir.h - what a server's data directory tells.
 *
 * Sources: src/include/catalog/pg_control.h (the system identifier is the first field),
 * src/backend/access/transam/xlogarchive.c (archive_status), xlogrecovery.c (signal files).
 */
#ifndef ARCHIVE_DATADIR_H
#define ARCHIVE_DATADIR_H

#include <stdbool.h>
#include <stdint.h>

struct error;

/* The cluster to which a file belongs that does not say so itself: from global/pg_control in the
 * directory above the file's (pg_wal's parent), else in the working directory, where PostgreSQL
 * runs its commands. ERROR_REFUSED when neither has one. */
int datadir_system_identifier(const char *file, uint64_t *system_identifier, struct error *error);

/* Has the server archived before? It has when archive_status, beside the file, holds a .done. */
bool datadir_has_archived(const char *file);

enum datadir_recovery {
    DATADIR_NO_RECOVERY, /* no signal file: a running server, the end of a recovery, or no server */
    DATADIR_RECOVERY,    /* recovery.signal, or recovery.conf without standby_mode */
    DATADIR_STANDBY,     /* standby.signal, or recovery.conf with standby_mode = on */
};

/* What the working directory says about the server that runs us. */
enum datadir_recovery datadir_recovery(void);

#endif
