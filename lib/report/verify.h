/* report/verify.h - what walverify has found, told in several ways. */
#ifndef REPORT_VERIFY_H
#define REPORT_VERIFY_H

#include <stdio.h>

#include "verify/backlog.h"
#include "verify/verify.h"
#include "report/color.h"

/* What is told of. */
struct verify_story {
    const char *archive; /* its location */
    const struct verification *verification;
    enum color_when color;
    int64_t now;                   /* seconds since 1970 UTC */
    const struct backlog *backlog; /* NULL: not asked for */
    int64_t warning, critical; /* seconds that something may wait to be archived; without a backlog,
                                * that the newest WAL may be old; 0: as long as it likes */
};

/* Tells it. What can't be written shows at the stream. */
typedef void verify_telling(const struct verify_story *story, FILE *out);

verify_telling verify_text;       /* for people */
verify_telling verify_json;       /* man/walverify.schema.json */
verify_telling verify_nagios;     /* a line for a plugin of Nagios */
verify_telling verify_prometheus; /* for node_exporter's textfile collector */

/* The exit codes of Nagios's plugins (https://nagios-plugins.org/doc/guidelines.html). */
enum verify_status { VERIFY_OK, VERIFY_WARNING, VERIFY_CRITICAL, VERIFY_UNKNOWN };
enum verify_status verify_judge(const struct verify_story *story);

/* What all of them count. */
struct verify_totals {
    uint64_t segments, stored; /* stored with partials; bytes */
    size_t timelines;          /* that have segments */
    int64_t newest;            /* when the newest segment was archived; 0: not known */
    int64_t newest_backup;     /* the same of a backup that can be restored */
    size_t backups, restorable;
};
struct verify_totals verify_total(const struct verification *verification);

#endif
