/* several/compare.h - do several archives of one cluster hold the same? */
#ifndef SEVERAL_COMPARE_H
#define SEVERAL_COMPARE_H

#include <stdbool.h>
#include <stdint.h>

#include "archive/archive.h"
#include "wal/geometry.h"

struct error;

enum compare_depth {
    COMPARE_NAMES,   /* who has which file */
    COMPARE_CONTENT, /* and is it the same, by the labels, or read where there is none */
};

/* Files that follow each other, which one archive lacks and another has. */
struct compare_lack {
    size_t archive;              /* that lacks them */
    struct wal_name first, last; /* the same for a history or backup history file */
    uint64_t count;
};

struct compare_difference {
    struct wal_name name;
    char *problem; /* in words, with both sides */
};

struct comparison {
    struct compare_lack *lacks; /* by name, then by archive */
    size_t lack_count, lack_room;
    struct compare_difference *differences;
    size_t difference_count, difference_room;
    uint64_t files;    /* that any of them has */
    uint64_t compared; /* whose content was compared */
};

/* Compares them, `jobs` files at once. What is older than an archive's first segment it does not
 * lack: it was removed there. What seems to be missing is looked for once more at the end, as a
 * server may push meanwhile. All must answer; classes as peers_open and archive_merge. A copy that
 * is damaged is a difference. The caller frees the comparison, also after a failure. */
int archive_compare(const struct archive *archives, size_t count, enum compare_depth depth,
                    size_t jobs, struct comparison *comparison, struct error *error);
bool comparison_is_same(const struct comparison *comparison);
void comparison_free(struct comparison *comparison);

#endif
