/* archive/identity.h - one archive, one cluster: the object .waltools/archive remembers which.
 * walformat(5) specifies it. */
#ifndef ARCHIVE_IDENTITY_H
#define ARCHIVE_IDENTITY_H

#include <stdint.h>

#include "archive/archive.h"

struct error;

/* Returns 1 with the identifier of the cluster that the archive belongs to, 0 when the archive has
 * no identity, -1 on error: ERROR_CORRUPT when it is damaged, ERROR_REFUSED for a later format. One
 * that was found is not asked for again while the archive is open. */
int identity_read(struct archive *archive, uint64_t *system_identifier, struct error *error);

/* Returns 1 when the archive holds a WAL segment, with the first one; 0 when it doesn't, -1 on
 * error. It needs no identity: other tools' archives have none. */
struct scan_object;
int identity_find_segment(struct archive *archive, struct scan_object *segment,
                          struct error *error);

/* Is the archive that of the server to which `file` belongs (see datadir_system_identifier; "" for
 * the working directory)? An archive without identity is judged by one of its segments. Returns 1
 * when it is, or when the server is not known; 0 when the archive says nothing: neither identity
 * nor segment; -1 with ERROR_REFUSED when it is another cluster's, or on error. */
int identity_match(struct archive *archive, const char *file, struct error *error);

enum identity_new {
    IDENTITY_IF_UNUSED,  /* an empty archive is taken only by a server that has not archived yet */
    IDENTITY_REMEMBERED, /* it has had an identity: without one, it is not the archive that it was
                          */
    IDENTITY_BY_ORDER,   /* the operator has said that it is new */
};

/* Makes sure that the archive is this cluster's, before something of the cluster goes in. An
 * archive without identity gets one, durable when this returns 0: an empty one under the condition
 * of `new`, one that holds segments when they are the cluster's. `file` is the file to push: beside
 * it the server's archive_status is looked for. ERROR_REFUSED when it is not, with what to do. */
int identity_confirm(struct archive *archive, uint64_t system_identifier, const char *file,
                     enum identity_new new, struct error *error);

/* Makes an identity that another push may just have written durable. */
int identity_settle(struct archive *archive, struct error *error);

#endif
