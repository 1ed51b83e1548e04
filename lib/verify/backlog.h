/* verify/backlog.h - what waits in a server to be archived. */
#ifndef VERIFY_BACKLOG_H
#define VERIFY_BACKLOG_H

#include <stdint.h>

struct error;

/* The .ready files in archive_status. */
struct backlog {
    uint64_t files;
    int64_t oldest; /* when the first of them came to wait, seconds since 1970 UTC; 0: none */
};

/* Of the server with this data directory, which must be of this cluster (0: of any).
 * ERROR_USAGE when it is no data directory that can be read, ERROR_REFUSED when it is another
 * cluster's, ERROR_SYSTEM. */
int backlog_read(const char *data_directory, uint64_t system_identifier, struct backlog *backlog,
                 struct error *error);

#endif
