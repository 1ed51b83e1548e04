/* retain/standby.h - several standbys on one archive: each records the oldest segment that it
 * still needs, so that none removes what another has not read yet.
 *
 * A record is an object .waltools/standby/NAME/TIME, written create-only and never changed; the
 * newest of a NAME counts, and older ones are removed when it is there. So whoever is killed in
 * between leaves one too many, never one too few. walformat(5) specifies it.
 */
#ifndef RETAIN_STANDBY_H
#define RETAIN_STANDBY_H

#include <stdbool.h>
#include <stdint.h>

#include "archive/archive.h"
#include "wal/name.h"

struct error;

enum { STANDBY_NAME_MAX = 64 };

struct standby {
    char name[STANDBY_NAME_MAX + 1];
    char segment[WAL_SEGMENT_NAME_LENGTH + 1]; /* its restart point is there; 24 zeros: not known,
                                                * so all that there is may be needed */
    int64_t heard; /* when it was recorded, by its clock or the storage's, whichever is later;
                    * seconds since 1970 UTC */
};

struct standbys {
    struct standby *list; /* by name */
    size_t count, room;
};

/* A name: 1 to 64 of the letters, digits, '_', '-' and '.', not beginning with a dot. ERROR_USAGE
 */
int standby_check_name(const char *name, struct error *error);

/* Records it, durable when this returns 0. 24 zeros leave the segment of an earlier record as it
 * was. The archive must have its identity: ERROR_REFUSED. */
int standby_record(struct archive *archive, const char *name, const char *segment,
                   struct error *error);

/* Lists them: one list for an archive that has none. ERROR_CORRUPT for a record that is damaged or
 * something that is none, ERROR_REFUSED for a later version. The caller frees them, also after a
 * failure. */
int standbys_read(struct archive *archive, struct standbys *standbys, struct error *error);
void standbys_free(struct standbys *standbys);

/* NULL when there is none of that name. */
const struct standby *standbys_find(const struct standbys *standbys, const char *name);

/* Removes the records of a standby; dry: only looks whether that could be. ERROR_REFUSED when there
 * is none. */
int standby_forget(struct archive *archive, const char *name, bool dry, struct error *error);

#endif
