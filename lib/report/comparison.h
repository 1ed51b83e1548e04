/* report/comparison.h - what walverify says of several archives beside each other. */
#ifndef REPORT_COMPARISON_H
#define REPORT_COMPARISON_H

#include <stdio.h>

#include "several/compare.h"
#include "report/color.h"

/* What is told; everything is borrowed. */
struct comparison_story {
    const struct archive *archives;
    size_t count;
    const char *section; /* that names them */
    enum compare_depth depth;
    const struct comparison *comparison;
    enum color_when color; /* of text */
};

typedef void comparison_telling(const struct comparison_story *story, FILE *out);

comparison_telling comparison_text;
comparison_telling comparison_json; /* man/walverify-comparison.schema.json */

#endif
