#include "report/table.h"
#include "base/array.h"
#include "base/error.h"
#include "report/utf8.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct table_row {
    enum color_role role;
    bool is_note;                   /* the first cell is all of it */
    char *cells[TABLE_COLUMNS_MAX]; /* NULL: empty */
};

void table_open(struct table *table, const struct table_column *columns)
{
    *table = (struct table){.columns = columns};
    while (table->column_count < TABLE_COLUMNS_MAX && columns[table->column_count].title)
        table->column_count++;
}

void table_free(struct table *table)
{
    for (size_t i = 0; i < table->count; i++)
        for (size_t j = 0; j < TABLE_COLUMNS_MAX; j++)
            free(table->rows[i].cells[j]);
    free(table->rows);
    *table = (struct table){.columns = table->columns, .column_count = table->column_count};
}

static struct table_row *add_row(struct table *table, enum color_role role, struct error *error)
{
    void *more = array_reserve(table->rows, table->count, &table->room, sizeof *table->rows, error);
    if (!more)
        return NULL;
    table->rows = more;
    struct table_row *row = &table->rows[table->count++];
    *row = (struct table_row){.role = role};
    return row;
}

static int set_cell(struct table_row *row, size_t column, const char *text, struct error *error)
{
    row->cells[column] = strdup(text);
    return row->cells[column] ? 0 : error_memory(error);
}

int table_add(struct table *table, enum color_role role, const char *const *cells,
              struct error *error)
{
    struct table_row *row = add_row(table, role, error);
    for (size_t i = 0; row && i < table->column_count; i++)
        if (*cells[i] && set_cell(row, i, cells[i], error))
            return -1;
    return row ? 0 : -1;
}

int table_note(struct table *table, enum color_role role, const char *text, struct error *error)
{
    struct table_row *row = add_row(table, role, error);
    if (!row)
        return -1;
    row->is_note = true;
    return set_cell(row, 0, text, error);
}

/* ---- printing ---- */

/* Of C0, DEL and C1: ECMA-48 has its control sequences there. */
static bool is_control(uint32_t code)
{
    return code < 0x20 || (code >= 0x7f && code < 0xa0);
}

size_t table_put_text(FILE *out, const char *text)
{
    static const char replacement[] = "\xef\xbf\xbd";
    size_t columns = 0;
    while (*text) {
        struct utf8_character character = utf8_next(&text);
        const char *shown = is_control(character.code) ? replacement : character.text;
        fputs(shown, out);
        columns += utf8_width(shown);
    }
    return columns;
}

static size_t width_of(const struct table *table, size_t column)
{
    size_t width = utf8_width(table->columns[column].title);
    for (size_t i = 0; i < table->count; i++) {
        const struct table_row *row = &table->rows[i];
        size_t own = row->is_note || !row->cells[column] ? 0 : utf8_width(row->cells[column]);
        width = own > width ? own : width;
    }
    return width;
}

static void pad(FILE *out, size_t columns)
{
    fprintf(out, "%*s", (int)columns, "");
}

/* Padding is put off until something follows it, so that no line ends in spaces. */
static void print_cells(const struct table *table, const size_t *widths, const char *const *cells,
                        FILE *out)
{
    size_t owed = 0;
    for (size_t i = 0; i < table->column_count; i++) {
        size_t own = cells[i] ? utf8_width(cells[i]) : 0, gap = i ? 2 : 0;
        size_t before = table->columns[i].align == TABLE_RIGHT ? widths[i] - own : 0;
        if (own) {
            pad(out, owed + gap + before);
            table_put_text(out, cells[i]);
            owed = widths[i] - own - before;
        } else {
            owed += gap + widths[i];
        }
    }
}

static void print_line(const struct table *table, const size_t *widths, enum color_role role,
                       const char *const *cells, FILE *out, const struct colors *colors)
{
    fprintf(out, "  %s", color_begin(colors, role));
    print_cells(table, widths, cells, out);
    fprintf(out, "%s\n", color_end(colors, role));
}

void table_print(const struct table *table, FILE *out, const struct colors *colors)
{
    size_t widths[TABLE_COLUMNS_MAX];
    const char *titles[TABLE_COLUMNS_MAX] = {NULL};
    for (size_t i = 0; i < table->column_count; i++) {
        titles[i] = table->columns[i].title;
        widths[i] = width_of(table, i);
    }
    print_line(table, widths, COLOR_FAINT, titles, out, colors);
    for (size_t i = 0; i < table->count; i++) {
        const struct table_row *row = &table->rows[i];
        if (!row->is_note) {
            print_line(table, widths, row->role, (const char *const *)row->cells, out, colors);
            continue;
        }
        fprintf(out, "  %s", color_begin(colors, row->role));
        table_put_text(out, row->cells[0]);
        fprintf(out, "%s\n", color_end(colors, row->role));
    }
}
