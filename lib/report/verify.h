/* report/verify.h - what walverify has found, told in several ways. */
#ifndef REPORT_VERIFY_H
#define REPORT_VERIFY_H

#include <stdio.h>

#include "archive/verify.h"

/* What is told of. */
struct verify_story {
    const char *archive; /* its location */
    const struct verification *verification;
    int64_t now; /* seconds since 1970 UTC */
};

/* Tells it. What can't be written shows at the stream. */
typedef void verify_telling(const struct verify_story *story, FILE *out);

verify_telling verify_text; /* for people */
verify_telling verify_json; /* man/walverify.schema.json */

#endif
