/* archive/scan.h - the WAL files of an archive, in order of their names, wherever its layout has
 * them. */
#ifndef ARCHIVE_SCAN_H
#define ARCHIVE_SCAN_H

#include <stdint.h>

#include "archive/archive.h"
#include "archive/object.h"

struct error;

/* Objects whose last part begins with `prefix` and is greater than `after`; NULL is the same as "".
 */
struct scan_query {
    const char *prefix, *after;
    unsigned wanted; /* STORAGE_DETAILS, or 0 */
};

struct scan_object {
    struct object_key key; /* in archive->storage */
    struct object object;
    uint64_t size; /* bytes, as stored; 0 without details */
    int64_t time;  /* seconds since 1970 UTC; 0 without details or when it is not known */
};

/* Calls visit for each object, with NULL for what is no WAL file. visit returns as a storage_visit;
 * memory is bounded as storage_list's is, and by the number of a foreign layout's directories. The
 * archive's layout counts as flat as long as it was not recognised. */
typedef int scan_visit(void *context, const struct scan_object *object, struct error *error);
int archive_scan(struct archive *archive, const struct scan_query *query, scan_visit *visit,
                 void *context, struct error *error);

#endif
