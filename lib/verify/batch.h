/* verify/batch.h - objects on their way through walverify: checked by several processes in any
 * order, settled in the archive's order. */
#ifndef VERIFY_BATCH_H
#define VERIFY_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "verify/check.h"
#include "archive/scan.h"
#include "verify/verified.h"

struct error;

enum entry_verdict {
    ENTRY_WAITS,    /* to be checked */
    ENTRY_LEFT_OUT, /* not meant: nothing is said of it */
    ENTRY_KNOWN,    /* not checked, as an earlier run has found it whole */
    ENTRY_WHOLE,
    ENTRY_DAMAGED,
    ENTRY_GONE, /* it was there when the archive was listed */
};

struct entry {
    struct scan_object object;
    enum entry_verdict verdict;
    char *problem; /* of one that is damaged */
    uint64_t raw, records;
    enum check_reach reach;
    bool is_remembered;
    struct verified_entry remembered;
};

enum { BATCH_ENTRIES_MAX = 32 };

struct batch {
    struct batch *next;
    uint64_t number;
    bool done;
    size_t count, waiting; /* entries, and those that are to be checked */
    uint64_t bytes;        /* of these, as stored */
    struct entry entries[BATCH_ENTRIES_MAX];
};

/* In the archive's order. Zero-initialise. */
struct batches {
    struct batch *first, *last;
    size_t count;
    uint64_t made;
};

/* A new batch at the end; NULL without memory. */
struct batch *batches_add(struct batches *batches, struct error *error);

/* The batch of this number; NULL when there is none. */
struct batch *batches_find(const struct batches *batches, uint64_t number);

/* Removes the first. */
void batches_drop(struct batches *batches);

/* The job for a checker (checker.h) that checks what waits. The caller frees it. */
int batch_write_job(const struct batch *batch, struct buf *job, struct error *error);

/* Reads the answer: then it is done. */
int batch_read_answer(struct batch *batch, const char *answer, struct error *error);

#endif
