#include "archive/policy.h"
#include "archive/datadir.h"

#include <stdbool.h>

enum {
    /* A standby that waits here does not stream. */
    STANDBY_SEGMENT_MS = 5000,
    /* But a history file that is wrongly taken for absent makes a promotion choose a timeline that
     * is in use. */
    STANDBY_HISTORY_MS = 15000,
};

static uint64_t at_most(uint64_t limit, uint64_t timeout)
{
    return timeout < limit ? timeout : limit;
}

static uint64_t in_standby(const struct policy *policy)
{
    return at_most(policy->name->kind == WAL_HISTORY ? STANDBY_HISTORY_MS : STANDBY_SEGMENT_MS,
                   policy->timeout);
}

uint64_t policy_patience(const struct policy *policy)
{
    if (policy->on_error == POLICY_ABORT)
        return policy->timeout;
    switch (datadir_recovery(policy->destination)) {
    case DATADIR_RECOVERY:
        return policy->timeout;
    case DATADIR_STANDBY:
        return in_standby(policy);
    case DATADIR_NO_RECOVERY:
        break;
    }
    /* The end of a recovery asks for a history file; anything else is asked for by hand. */
    return policy->name->kind == WAL_HISTORY ? at_most(STANDBY_HISTORY_MS, policy->timeout) : 0;
}

uint64_t policy_silence(const struct policy *policy)
{
    bool standby = policy->on_error != POLICY_ABORT &&
                   datadir_recovery(policy->destination) == DATADIR_STANDBY;
    return standby ? in_standby(policy) : policy->timeout;
}

int policy_exit_code(enum policy_on_error on_error, const char *destination, enum error_class class)
{
    if (class == ERROR_MISSING || on_error == POLICY_TABLE)
        return error_exit_code(class);
    if (on_error == POLICY_ABORT ||
        datadir_recovery(destination ? destination : "") == DATADIR_RECOVERY)
        return POLICY_ABORT_CODE;
    return error_exit_code(class);
}
