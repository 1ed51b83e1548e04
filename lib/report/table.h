/* report/table.h - aligned columns. What it holds grows with its rows: not for lists without end.
 */
#ifndef REPORT_TABLE_H
#define REPORT_TABLE_H

#include <stddef.h>
#include <stdio.h>

#include "report/color.h"

struct error;

enum table_align { TABLE_LEFT, TABLE_RIGHT };

enum { TABLE_COLUMNS_MAX = 8 };

struct table_column {
    const char *title; /* NULL behind the last column */
    enum table_align align;
};

struct table {
    const struct table_column *columns; /* borrowed */
    size_t column_count;
    struct table_row *rows;
    size_t count, room;
};

void table_open(struct table *table, const struct table_column *columns);
void table_free(struct table *table);

/* A row: as many cells as columns, copied. */
int table_add(struct table *table, enum color_role role, const char *const *cells,
              struct error *error);

/* A row of one text, which may go across all columns. */
int table_note(struct table *table, enum color_role role, const char *text, struct error *error);

/* Prints it, each line behind two spaces; only what titles and cells need. */
void table_print(const struct table *table, FILE *out, const struct colors *colors);

/* Prints text that may come from anywhere: what could steer a terminal, or is no UTF-8, as U+FFFD.
 * Returns how many columns it takes. */
size_t table_put_text(FILE *out, const char *text);

#endif
