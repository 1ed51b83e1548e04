/* several/peers.h - several archives of one cluster, open side by side. */
#ifndef SEVERAL_PEERS_H
#define SEVERAL_PEERS_H

#include <stddef.h>
#include <stdint.h>

#include "archive/archive.h"

struct error;

struct peers {
    struct archive *list; /* open and recognised */
    size_t count;
    uint64_t owner; /* the cluster's system identifier */
    uint64_t owned; /* bit i: list[i] has an identity; one without is another tool's, only read */
    size_t opened;
};

/* Opens each and makes sure that all belong to the same cluster. `archives` are not open, and
 * borrowed; what there is of them is copied. At most MERGE_MAX (merge.h). ERROR_USAGE for fewer
 * than two or too many, ERROR_REFUSED when they are not one cluster's, ERROR_UNREACHABLE also for
 * one that is empty and has no identity; else as archive_open. The caller closes them, also after a
 * failure. */
int peers_open(struct peers *peers, const struct archive *archives, size_t count,
               struct error *error);
void peers_close(struct peers *peers);

#endif
