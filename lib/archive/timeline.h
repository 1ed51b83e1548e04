/* archive/timeline.h - what an archive shows of a timeline: where it begins, that it goes on, where
 * it ends. From names and history files; contents of segments are not read.
 *
 * Each returns 1 for yes, 0 for no (or when the archive does not say), -1 on error.
 */
#ifndef ARCHIVE_TIMELINE_H
#define ARCHIVE_TIMELINE_H

#include <stdint.h>

#include "archive/archive.h"
#include "archive/object.h"

struct error;

/* Is there WAL of this timeline in the archive? *key is an object that holds or proves some: a
 * segment, a partial or a backup history file. */
int timeline_has_wal(struct archive *archive, uint32_t timeline, struct object_key *key,
                     struct error *error);

/* Did the timeline go on behind this segment? *key is what proves it: a later object of the
 * timeline, or the history file of a timeline that forked off from it in a later segment. */
int timeline_goes_on(struct archive *archive, const struct wal_name *segment,
                     struct object_key *key, struct error *error);

/* Does the timeline begin behind this segment, by its own history file? */
int timeline_begins_later(struct archive *archive, const struct wal_name *segment,
                          struct error *error);

/* Did another timeline fork off from this one within this segment? *address is the LSN at which. */
int timeline_forks_within(struct archive *archive, const struct wal_name *segment,
                          uint64_t *address, struct error *error);

#endif
