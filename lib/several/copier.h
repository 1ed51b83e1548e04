/* several/copier.h - a WAL file is copied from one archive to others, checked: the part of a repair
 * that a worker does. */
#ifndef SEVERAL_COPIER_H
#define SEVERAL_COPIER_H

#include <stdbool.h>
#include <stdint.h>

#include "archive/archive.h"
#include "several/merge.h"
#include "wal/name.h"

struct buf;
struct error;

/* The caller fills all but the last, which is the copier's. */
struct copier {
    const struct archive *archives; /* not open */
    size_t count;
    uint64_t owner;      /* the cluster that all belong to, by its system identifier */
    const char *scratch; /* a directory for files on their way: the caller's, who outlives a worker
                          * that is killed */
    struct archive open[MERGE_MAX]; /* kept for the next job */
};

enum { COPIER_JOB_SIZE = WAL_NAME_MAX + 64 };

/* What is to be done, as a text: copy the file from one of the archives that have it (bits, as in
 * merge.h) into those that lack it. */
void copier_write_job(const struct wal_name *name, uint64_t has, uint64_t lacks,
                      char job[COPIER_JOB_SIZE]);
bool copier_has(uint64_t bits, size_t index);

/* Does it, and appends to *result how many copies were made and how many bytes of content they
 * have. A copy that is damaged is told in a warning when there is another to try. A history file,
 * and what nobody lacks, is compared in all archives that have it first: ERROR_REFUSED when they
 * differ. Classes else as archive_fetch and
 * archive_push. */
int copier_run(struct copier *copier, const char *job, struct buf *result, struct error *error);
void copier_close(struct copier *copier);

#endif
