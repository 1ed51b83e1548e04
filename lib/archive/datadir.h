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

/* The timeline of the last checkpoint, from the same place; 0 when it is not known. */
uint32_t datadir_timeline(const char *file);

/* Has the server archived before, as far as can be seen? When archive_status, beside the file,
 * holds a .done. (A clone that pg_basebackup made has such files too.) */
bool datadir_has_archived(const char *file);

/* Is the working directory a data directory of the user that runs us? ERROR_USAGE when it is
 * another's: what root makes in an archive the server can't write to. */
int datadir_check_owner(struct error *error);

/* Is the working directory a data directory? ERROR_USAGE. */
int datadir_check(struct error *error);

/* Is its server down? By postmaster.pid, as PostgreSQL does, and by where that process works: after
 * a crash its number may be another's. ERROR_REFUSED when it runs. */
int datadir_check_stopped(struct error *error);

enum datadir_recovery {
    DATADIR_NO_RECOVERY, /* no signal file: a running server, the end of a recovery, or no server */
    DATADIR_RECOVERY,    /* recovery.signal, or recovery.conf without standby_mode */
    DATADIR_STANDBY,     /* standby.signal, or recovery.conf with standby_mode = on */
};

/* What the signal files say about the server that runs us: those in the working directory; when
 * that is no data directory, those in the directory above the file's. */
enum datadir_recovery datadir_recovery(const char *file);

#endif
