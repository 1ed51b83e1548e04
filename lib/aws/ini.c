/* Not by inih, as waltools.conf: it cuts lines at 200 characters, and a session token has a
 * thousand; it cuts names at 50; and it takes the nested settings that these files have ("s3 =",
 * then indented lines) for more values of the key above them. */
#include "aws/ini.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

static const char blanks[] = " \t\r\f\v";

struct reading {
    const char *path;
    aws_ini_visit *visit;
    void *context;
    int line;
    const char *section; /* NULL before the first */
    size_t indent;       /* of the last key */
    bool has_key;        /* there is one, in this section */
    bool taken;          /* and its value */
};

static int wrong(const struct reading *reading, const char *problem, struct error *error)
{
    return error_set(error, ERROR_USAGE, "%s line %d: %s", reading->path, reading->line, problem);
}

static char *trim(char *text)
{
    text += strspn(text, blanks);
    size_t length = strlen(text);
    while (length && strchr(blanks, text[length - 1]))
        length--;
    text[length] = '\0';
    return text;
}

static int read_section(struct reading *reading, char *line, struct error *error)
{
    char *end = strchr(line, ']');
    if (!end)
        return wrong(reading, "a section's name does not end with ]", error);
    *end = '\0';
    reading->section = trim(line + 1);
    reading->has_key = reading->taken = false;
    return reading->visit(reading->context, reading->section, NULL, NULL, error);
}

static int read_key(struct reading *reading, char *line, size_t indent, struct error *error)
{
    char *equals = strchr(line, '=');
    if (!equals || equals == line)
        return wrong(reading, "neither a [section] nor key = value", error);
    if (!reading->section)
        return wrong(reading, "a key before the first [section]", error);
    *equals = '\0';
    char *key = trim(line), *value = trim(equals + 1);
    int result = reading->visit(reading->context, reading->section, key, value, error);
    reading->has_key = true;
    reading->indent = indent;
    reading->taken = result > 0 && *value;
    return result;
}

static int read_line(struct reading *reading, char *line, struct error *error)
{
    size_t indent = strspn(line, blanks);
    char *text = trim(line);
    if (!*text || *text == '#' || *text == ';')
        return 0;
    if (!reading->has_key || indent <= reading->indent)
        return *text == '[' ? read_section(reading, text, error)
                            : read_key(reading, text, indent, error);
    if (reading->taken)
        return wrong(reading, "a value can't go on in an indented line", error);
    return 0;
}

int aws_ini_read(const char *path, char *text, aws_ini_visit *visit, void *context,
                 struct error *error)
{
    static const char byte_order_mark[] = "\xef\xbb\xbf";
    struct reading reading = {.path = path, .visit = visit, .context = context};
    if (strncmp(text, byte_order_mark, strlen(byte_order_mark)) == 0)
        text += strlen(byte_order_mark);
    for (char *next = text; next;) {
        char *line = strsep(&next, "\n");
        reading.line++;
        if (read_line(&reading, line, error) < 0)
            return -1;
    }
    return 0;
}
