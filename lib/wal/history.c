#include "wal/history.h"
#include "base/error.h"

#include <inttypes.h>
#include <string.h>

/* What is left of a line; never beyond its end. */
struct line {
    const char *at;
    const char *end;
};

static bool next_line(const char **at, const char *end, struct line *line)
{
    const char *newline = memchr(*at, '\n', (size_t)(end - *at));
    if (!newline)
        return false;
    *line = (struct line){.at = *at, .end = newline};
    *at = newline + 1;
    return true;
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* How many white-space characters were skipped. */
static size_t skip_space(struct line *line)
{
    const char *start = line->at;
    while (line->at < line->end && is_space(*line->at))
        line->at++;
    return (size_t)(line->at - start);
}

static bool skip_text(struct line *line, const char *text)
{
    size_t length = strlen(text);
    if ((size_t)(line->end - line->at) < length || memcmp(line->at, text, length))
        return false;
    line->at += length;
    return true;
}

static int digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return 16;
}

static bool read_number(struct line *line, int base, uint32_t *value)
{
    const char *start = line->at;
    uint64_t sum = 0;
    for (; line->at < line->end && digit_value(*line->at) < base; line->at++) {
        sum = sum * (uint64_t)base + (uint64_t)digit_value(*line->at);
        if (sum > UINT32_MAX)
            return false;
    }
    *value = (uint32_t)sum;
    return line->at > start;
}

static bool read_address(struct line *line, uint64_t *address)
{
    uint32_t high, low;
    if (!read_number(line, 16, &high) || !skip_text(line, "/") || !read_number(line, 16, &low))
        return false;
    *address = (uint64_t)high << 32 | low;
    return true;
}

/* "timeline <white space> LSN [<white space> reason]". */
static bool read_entry(struct line *line, uint32_t *timeline, uint64_t *address)
{
    return read_number(line, 10, timeline) && skip_space(line) && read_address(line, address) &&
           (skip_space(line) || line->at == line->end);
}

static int check_entries(const struct wal_name *name, const char *at, const char *end,
                         struct error *error)
{
    uint32_t last = 0, timeline;
    uint64_t address;
    struct line line;
    for (unsigned number = 1; next_line(&at, end, &line); number++) {
        skip_space(&line);
        if (line.at == line.end || *line.at == '#')
            continue;
        if (!read_entry(&line, &timeline, &address))
            return error_set(error, ERROR_CORRUPT, "line %u is not a timeline, an LSN and a reason",
                             number);
        if (timeline <= last)
            return error_set(error, ERROR_CORRUPT,
                             "timelines must rise, line %u has %" PRIu32 " after %" PRIu32, number,
                             timeline, last);
        last = timeline;
    }
    if (last == 0)
        return error_set(error, ERROR_CORRUPT, "it names no timeline");
    if (last >= name->timeline)
        return error_set(error, ERROR_REFUSED,
                         "it is the history of another timeline: it names %" PRIu32
                         ", which cannot precede %" PRIu32,
                         last, name->timeline);
    return 0;
}

bool wal_history_next(const char **at, const char *end, struct wal_ancestor *ancestor)
{
    struct line line;
    while (next_line(at, end, &line)) {
        skip_space(&line);
        if (line.at < line.end && *line.at != '#' &&
            read_entry(&line, &ancestor->timeline, &ancestor->address))
            return true;
    }
    return false;
}

bool wal_history_fork(const char *text, size_t size, uint64_t *address)
{
    struct wal_ancestor ancestor;
    bool found = false;
    for (const char *at = text; wal_history_next(&at, text + size, &ancestor); found = true)
        *address = ancestor.address;
    return found;
}

bool wal_history_entry(const char *text, size_t size, uint32_t parent, uint64_t *address)
{
    struct wal_ancestor ancestor;
    for (const char *at = text; wal_history_next(&at, text + size, &ancestor);)
        if (ancestor.timeline == parent) {
            *address = ancestor.address;
            return true;
        }
    return false;
}

/* The lines of a backup history file, build_backup_content() and its predecessors. */
enum field {
    FIELD_START,
    FIELD_STOP,
    FIELD_CHECKPOINT,
    FIELD_METHOD,
    FIELD_FROM,
    FIELD_START_TIME,
    FIELD_LABEL,
    FIELD_STOP_TIME,
    FIELDS_REQUIRED,
    FIELD_START_TIMELINE = FIELDS_REQUIRED, /* these two since 11 */
    FIELD_STOP_TIMELINE,
    FIELDS,
};

static const char *const field_texts[FIELDS] = {
    [FIELD_START] = "START WAL LOCATION: ",
    [FIELD_STOP] = "STOP WAL LOCATION: ",
    [FIELD_CHECKPOINT] = "CHECKPOINT LOCATION: ",
    [FIELD_METHOD] = "BACKUP METHOD: ",
    [FIELD_FROM] = "BACKUP FROM: ",
    [FIELD_START_TIME] = "START TIME: ",
    [FIELD_LABEL] = "LABEL: ",
    [FIELD_STOP_TIME] = "STOP TIME: ",
    [FIELD_START_TIMELINE] = "START TIMELINE: ",
    [FIELD_STOP_TIMELINE] = "STOP TIMELINE: ",
};

/* Where the first line of each kind has its value; at is NULL for one that is not there. A label
 * may hold anything, lines that look like another field too, but it comes after START WAL LOCATION.
 */
static void find_fields(const char *at, const char *end, struct line fields[FIELDS])
{
    struct line line;
    memset(fields, 0, FIELDS * sizeof fields[0]);
    while (next_line(&at, end, &line))
        for (int i = 0; i < FIELDS; i++)
            if (!fields[i].at && skip_text(&line, field_texts[i]))
                fields[i] = line;
}

static int check_fields(const struct line fields[FIELDS], struct error *error)
{
    /* who has one timeline line has both, or the end is missing */
    int required = fields[FIELD_START_TIMELINE].at ? FIELDS : FIELDS_REQUIRED;
    for (int i = 0; i < required; i++)
        if (!fields[i].at)
            return error_set(error, ERROR_CORRUPT, "it has no line \"%s...\"", field_texts[i]);
    return 0;
}

/* "LSN (file NAME)". */
static bool read_location(struct line line, uint64_t *address, struct wal_name *file)
{
    if (!read_address(&line, address) || !skip_text(&line, " (file ") ||
        line.end - line.at < WAL_SEGMENT_NAME_LENGTH ||
        !wal_name_parse(line.at, WAL_SEGMENT_NAME_LENGTH, file))
        return false;
    line.at += WAL_SEGMENT_NAME_LENGTH;
    return skip_text(&line, ")") && line.at == line.end;
}

/* The offset is what is left of the LSN within a segment, whose size is not known here: the least
 * one must do. */
static bool is_named_start(const struct wal_name *name, uint64_t start, const struct wal_name *file)
{
    uint32_t mask = 1024 * 1024 - 1;
    return !memcmp(name->text, file->text, WAL_SEGMENT_NAME_LENGTH) && start >> 32 == name->log &&
           (start & mask) == (name->offset & mask);
}

static void keep_text(struct line line, char text[WAL_BACKUP_TEXT_MAX + 1])
{
    size_t length = (size_t)(line.end - line.at);
    length = length < WAL_BACKUP_TEXT_MAX ? length : WAL_BACKUP_TEXT_MAX;
    memcpy(text, line.at, length);
    text[length] = '\0';
}

/* Without lines for the timelines, before 11, the names of the segments tell. */
static int read_backup(const struct wal_name *name, const char *text, const char *end,
                       struct wal_backup *backup, struct error *error)
{
    struct line fields[FIELDS];
    struct wal_name file, stop_file;
    find_fields(text, end, fields);
    if (check_fields(fields, error))
        return -1;
    if (!read_location(fields[FIELD_STOP], &backup->stop, &stop_file) ||
        !read_location(fields[FIELD_START], &backup->start, &file))
        return error_set(error, ERROR_CORRUPT, "where its backup starts or stops is unreadable");
    if (!is_named_start(name, backup->start, &file))
        return error_set(error, ERROR_REFUSED,
                         "it is of another backup, which starts at %" PRIX64 "/%" PRIX32
                         " in the segment %s",
                         backup->start >> 32, (uint32_t)backup->start, file.text);
    if (backup->stop < backup->start)
        return error_set(error, ERROR_CORRUPT, "its backup stops before it starts");
    backup->start_timeline = file.timeline;
    backup->stop_timeline = stop_file.timeline;
    keep_text(fields[FIELD_LABEL], backup->label);
    keep_text(fields[FIELD_START_TIME], backup->start_time);
    keep_text(fields[FIELD_STOP_TIME], backup->stop_time);
    return 0;
}

static int check_text(const char *text, size_t size, struct error *error)
{
    if (size == 0)
        return error_set(error, ERROR_CORRUPT, "it is empty");
    if (size > WAL_HISTORY_SIZE_MAX)
        return error_set(error, ERROR_CORRUPT, "it is too long for a history file: %zu bytes",
                         size);
    if (memchr(text, '\0', size))
        return error_set(error, ERROR_CORRUPT, "it is not text");
    if (text[size - 1] != '\n')
        return error_set(error, ERROR_CORRUPT, "it is cut off: its last line has no end");
    return 0;
}

int wal_backup_read(const struct wal_name *name, const char *text, size_t size,
                    struct wal_backup *backup, struct error *error)
{
    *backup = (struct wal_backup){0};
    return check_text(text, size, error) || read_backup(name, text, text + size, backup, error) ? -1
                                                                                                : 0;
}

int wal_history_check(const struct wal_name *name, const char *text, size_t size,
                      struct error *error)
{
    struct wal_backup ignored;
    if (name->kind == WAL_BACKUP)
        return wal_backup_read(name, text, size, &ignored, error);
    return check_text(text, size, error) || check_entries(name, text, text + size, error) ? -1 : 0;
}
