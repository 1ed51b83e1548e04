/* archive/policy.h - what walfetch does when a file can't be had and its absence is not proved.
 *
 * PostgreSQL reads an exit code of 1..125 as "no such file". A standby then asks again or streams;
 * but a recovery ENDS there and promotes, so it is stopped by an exit code above 125 instead. Only
 * while its signal file exists, though: without it, at the very end of a recovery, a stopped server
 * would start again on the old timeline.
 */
#ifndef ARCHIVE_POLICY_H
#define ARCHIVE_POLICY_H

#include <stdint.h>

#include "base/error.h"
#include "wal/name.h"

enum policy_on_error {
    POLICY_AUTO,  /* by the state of the server in the working directory */
    POLICY_TABLE, /* always the class's own exit code */
    POLICY_ABORT, /* always 254 */
};

enum { POLICY_ABORT_CODE = 254 };

/* What is asked for, and how. Texts are borrowed. */
struct policy {
    enum policy_on_error on_error;
    const struct wal_name *name;
    const char *destination;
    uint64_t timeout; /* milliseconds that the user allows */
};

/* How long to try again, in milliseconds. */
uint64_t policy_patience(const struct policy *policy);

/* How long the archive may stay silent in the middle of a request, in milliseconds: a standby that
 * is kept waiting does not stream. */
uint64_t policy_silence(const struct policy *policy);

/* The exit code for a failure. Looks at the server's signal files anew: it may have been promoted
 * meanwhile. `destination` NULL: not known, as after a wrong command line. */
int policy_exit_code(enum policy_on_error on_error, const char *destination,
                     enum error_class class);

#endif
