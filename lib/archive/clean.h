/* archive/clean.h - removing what is older than a segment, as pg_archivecleanup does. */
#ifndef ARCHIVE_CLEAN_H
#define ARCHIVE_CLEAN_H

#include <stdbool.h>

#include "archive/archive.h"
#include "wal/name.h"

struct error;

struct clean_options {
    bool dry_run;                /* print LOCATION/NAME on standard output instead of removing */
    bool debug;                  /* say on standard error what is done */
    bool backup_history;         /* remove backup history files too */
    const char *strip_extension; /* "" for none; a further suffix that names may have */
};

/* Reads the name of the oldest file to keep: a segment, or a partial or backup history file, which
 * mean the segment they begin with. *segment gets its 24 digits. ERROR_USAGE when it is none. */
int clean_parse_oldest(const char *text, const struct clean_options *options,
                       char segment[WAL_SEGMENT_NAME_LENGTH + 1], struct error *error);

/* May the archive be cleaned from here? ERROR_REFUSED when it is another tool's, or when the
 * working directory is the data directory of another cluster. */
int clean_check(struct archive *archive, struct error *error);

/* Is the object with this key older than `segment`, and of a kind that is removed? */
bool clean_removes(const char *segment, const struct clean_options *options, const char *key);

/* Removes every segment and partial (and backup history file, if asked to) in any coding that is
 * older than `segment`. Timelines are not compared, history files never removed. A file that can't
 * be removed is reported on standard error and the rest goes on: then -1 with ERROR_SYSTEM. What
 * was removed is durable. clean_check comes first. */
int archive_clean(struct archive *archive, const char *segment, const struct clean_options *options,
                  struct error *error);

#endif
