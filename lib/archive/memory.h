/* archive/memory.h - what was learnt of a remote archive, kept on this machine for the next
 * command, so that a push need not ask for it again: whose the archive is, and what its server can
 * do.
 *
 * A small file in the directory archive->cache; else in $XDG_CACHE_HOME/waltools or
 * ~/.cache/waltools. It can be deleted at any time; where it can't be written, each command asks
 * again. It holds no secret. What it says is believed for an hour. Nothing is kept of a storage
 * that is not remote. */
#ifndef ARCHIVE_MEMORY_H
#define ARCHIVE_MEMORY_H

#include <stdbool.h>
#include <time.h>

#include "archive/archive.h"

struct memory {
    bool known; /* the archive was this cluster's when it was last asked */
    bool fresh; /* and that, and the coding that is used, need not be asked for again */
    time_t confirmed;
    struct buf text; /* of the file */
};

/* Also gives the storage what it has learnt. Never fails: nothing is then known. The caller frees
 * it. */
void memory_recall(struct archive *archive, uint64_t system_identifier, struct memory *memory);
void memory_free(struct memory *memory);

/* After a success: writes what has changed. Never fails. */
void memory_keep(struct archive *archive, uint64_t system_identifier, const struct memory *memory);

/* The directory in which it is kept, made if need be and open, for others that keep something
 * there; -1 when there is none that can be believed. The caller closes it. */
int memory_directory(const struct archive *archive);

#endif
