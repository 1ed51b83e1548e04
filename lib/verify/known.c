#include "verify/known.h"
#include "base/array.h"
#include "base/error.h"
#include "base/file.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_SIZE_MAX = 4 * 1024 * 1024 };

static const char blanks[] = " \t\r";

/* ---- a line: FIRST[-LAST] [# why] ---- */

static int wrong(size_t line, const char *what, struct error *error)
{
    return error_set(error, ERROR_USAGE,
                     "line %zu: %s; a line is FIRST-LAST # WHY, with names of two segments of one "
                     "timeline, or of one, or of a history file",
                     line, what);
}

static bool read_names(const char *text, size_t length, struct known_gap *gap)
{
    const char *dash = memchr(text, '-', length);
    size_t first = dash ? (size_t)(dash - text) : length;
    if (!wal_name_parse(text, first, &gap->first))
        return false;
    gap->last = gap->first;
    return !dash || wal_name_parse(dash + 1, length - first - 1, &gap->last);
}

static bool is_history_alone(const struct known_gap *gap)
{
    return gap->first.kind == WAL_HISTORY && strcmp(gap->first.text, gap->last.text) == 0;
}

static int check(const struct known_gap *gap, struct error *error)
{
    if (is_history_alone(gap))
        return 0;
    if (gap->first.kind != WAL_SEGMENT || gap->last.kind != WAL_SEGMENT)
        return wrong(gap->line, "it names neither segments nor a history file", error);
    if (gap->first.timeline != gap->last.timeline)
        return wrong(gap->line, "its two segments are of different timelines", error);
    if (strcmp(gap->first.text, gap->last.text) > 0)
        return wrong(gap->line, "its first segment is behind its last", error);
    return 0;
}

static int add(struct known_gaps *known, const struct known_gap *gap, struct error *error)
{
    void *more = array_reserve(known->list, known->count, &known->room, sizeof *known->list, error);
    if (!more)
        return -1;
    known->list = more;
    known->list[known->count++] = *gap;
    return 0;
}

static int keep(struct known_gaps *known, struct known_gap *gap, const char *why,
                struct error *error)
{
    gap->why = strdup(why + strspn(why, blanks));
    if (!gap->why)
        return error_memory(error);
    size_t length = strlen(gap->why);
    while (length && strchr(blanks, gap->why[length - 1]))
        gap->why[--length] = '\0';
    if (check(gap, error) == 0 && add(known, gap, error) == 0)
        return 0;
    free(gap->why);
    return -1;
}

static int read_line(struct known_gaps *known, char *line, size_t number, struct error *error)
{
    struct known_gap gap = {.line = number};
    char *why = strchr(line, '#');
    if (why)
        *why++ = '\0';
    line += strspn(line, blanks);
    size_t length = strcspn(line, blanks);
    if (length == 0)
        return 0;
    if (line[length + strspn(line + length, blanks)])
        return wrong(number, "there is more than the names", error);
    if (!read_names(line, length, &gap))
        return wrong(number, "no name of a WAL file", error);
    return keep(known, &gap, why ? why : "", error);
}

/* ---- the file ---- */

static int read_lines(struct known_gaps *known, char *text, struct error *error)
{
    size_t number = 0;
    for (char *line; (line = strsep(&text, "\n"));)
        if (read_line(known, line, ++number, error))
            return -1;
    return 0;
}

int known_read(const char *path, struct known_gaps *known, struct error *error)
{
    struct buf text = {0};
    *known = (struct known_gaps){.count = 0};
    int result = file_slurp(AT_FDCWD, path, FILE_SIZE_MAX, &text, error);
    if (result && error->class == ERROR_MISSING)
        error->class = ERROR_USAGE;
    if (result == 0 && text.length)
        result = read_lines(known, text.data, error);
    buf_free(&text);
    return result ? error_prefix(error, "known gaps, %s: ", path) : 0;
}

void known_free(struct known_gaps *known)
{
    for (size_t i = 0; i < known->count; i++)
        free(known->list[i].why);
    free(known->list);
    *known = (struct known_gaps){.count = 0};
}

static bool covers(const struct known_gap *gap, const struct wal_name *first,
                   const struct wal_name *last)
{
    return gap->first.kind == first->kind && gap->first.timeline == first->timeline &&
           strcmp(gap->first.text, first->text) <= 0 && strcmp(gap->last.text, last->text) >= 0;
}

const struct known_gap *known_find(const struct known_gaps *known, const struct wal_name *first,
                                   const struct wal_name *last)
{
    for (size_t i = 0; i < known->count; i++)
        if (covers(&known->list[i], first, last)) {
            known->list[i].fits = true;
            return &known->list[i];
        }
    return NULL;
}
