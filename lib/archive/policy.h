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

/* How long to try again, in milliseconds, when `timeout` is what the user allows. */
uint64_t policy_patience(enum policy_on_error on_error, const struct wal_name *name,
                         uint64_t timeout);

/* How long the archive may stay silent in the middle of a request, in milliseconds: a standby that
 * is kept waiting does not stream. */
uint64_t policy_silence(enum policy_on_error on_error, const struct wal_name *name,
                        uint64_t timeout);

/* The exit code for a failure. Looks at the working directory anew: the server may have been
 * promoted meanwhile. ERROR_INTERRUPTED is for the caller. */
int policy_exit_code(enum policy_on_error on_error, enum error_class class);

#endif
