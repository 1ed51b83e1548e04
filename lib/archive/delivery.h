/* archive/delivery.h - where a fetched file goes: it appears complete, or not at all. */
#ifndef ARCHIVE_DELIVERY_H
#define ARCHIVE_DELIVERY_H

#include "base/tempfile.h"

struct error;

struct delivery {
    const char *destination; /* borrowed; "-" is standard output */
    const char *name;        /* of the destination in its directory */
    int directory;
    struct tempfile file; /* what has been written so far: file.fd */
};

/* Makes a temporary file beside the destination (below TMPDIR for standard output) and removes
 * those that killed fetches left there. Failures are ERROR_SYSTEM: the archive has no part in them.
 */
int delivery_open(struct delivery *delivery, const char *destination, struct error *error);

/* Moves the content to the destination, replacing what was there. Not fsynced: PostgreSQL does that
 * when it keeps a restored file. */
int delivery_commit(struct delivery *delivery, struct error *error);

/* Discards what was not committed. */
void delivery_close(struct delivery *delivery);

#endif
