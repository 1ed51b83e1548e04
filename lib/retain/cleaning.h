/* retain/cleaning.h - what may go: older than what was asked for, than what every kept base backup
 * needs, and than what every standby needs. */
#ifndef RETAIN_CLEANING_H
#define RETAIN_CLEANING_H

#include "archive/clean.h"
#include "survey/inventory.h"
#include "retain/retention.h"
#include "retain/standby.h"

struct error;

/* What a user asks for; texts are borrowed. */
struct cleaning_request {
    const char *oldest;         /* 24 digits of the oldest segment to keep; NULL: not given */
    const char *standby;        /* whose restart point that is; NULL: nobody's */
    struct retention_rule rule; /* backups, days, size; all 0: base backups don't matter */
    int64_t now;                /* seconds since 1970 UTC */
    int64_t standby_timeout;    /* seconds */
    bool release_stale;         /* a standby that is silent for longer keeps nothing */
    struct clean_options options;
};

struct cleaning_tally {
    uint64_t segments, partials, backups; /* objects */
    uint64_t stored;                      /* bytes of them all */
};

/* What was found out. */
struct cleaning {
    char segment[WAL_SEGMENT_NAME_LENGTH + 1]; /* what is older goes; "": nothing may go */
    const struct standby *held_by; /* a standby keeps it from going further; NULL: none does */
    bool held_by_oldest;           /* what was asked for does */
    struct standbys standbys;
    /* with a rule alone */
    struct inventory inventory;
    struct retention retention;
    /* after cleaning_measure: per timeline of the inventory, and of all */
    struct cleaning_tally *goes, *stays;
    struct cleaning_tally all_goes, all_stays;
};

/* Does the rule ask for anything? */
bool cleaning_has_rule(const struct cleaning_request *request);

/* Finds out what may go; clean_check is part of it. Records the standby first, unless it is a dry
 * run. Warns of standbys that are silent. Classes as clean_check, standbys_read, inventory_read,
 * retention_decide. The caller frees it, also after a failure. */
int cleaning_plan(struct archive *archive, const struct cleaning_request *request,
                  struct cleaning *cleaning, struct error *error);
void cleaning_free(struct cleaning *cleaning);

/* Counts what goes and what stays, when there was a rule: one list more. */
int cleaning_measure(struct archive *archive, const struct cleaning_request *request,
                     struct cleaning *cleaning, struct error *error);

#endif
