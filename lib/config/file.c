#include "config/file.h"
#include "base/error.h"
#include "config/table.h"

#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <string.h>
#include <sys/stat.h>

enum { LINE_MAX_LENGTH = 199 }; /* what the parser's buffer holds (INI_MAX_LINE) */

struct parse {
    FILE *stream;
    const char *path;
    const char *section; /* that is asked for; "": what stands before the first */
    bool section_found;
    bool open_to_others; /* the file can be read by more than its owner */
    int line;
    struct settings *settings;
    struct error *error; /* ERROR_NONE until something is wrong */
};

static void wrong(struct parse *parse, const char *problem, const char *detail)
{
    if (parse->error->class == ERROR_NONE)
        error_set(parse->error, ERROR_USAGE, "%s line %d: %s%s", parse->path, parse->line, problem,
                  detail);
}

/* The parser would take a long line for two, and an indented one for more of the value above it. */
static void check_line(struct parse *parse, const char *line)
{
    size_t length = strlen(line), blank = strspn(line, " \t\r\n");
    if (length >= LINE_MAX_LENGTH && line[length - 1] != '\n')
        wrong(parse, "the line is too long", "");
    if (blank > 0 && line[blank] && line[blank] != '#' && line[blank] != ';')
        wrong(parse, "a line must not begin with white space", "");
}

static char *read_line(char *line, int size, void *context)
{
    struct parse *parse = context;
    if (parse->error->class != ERROR_NONE || !fgets(line, size, parse->stream))
        return NULL;
    parse->line++;
    check_line(parse, line);
    return line;
}

/* By what the key is called, so that one with a typing error is noticed too. */
static bool names_secret(const char *key)
{
    static const char *const parts[] = {"secret", "password", "token", "passphrase"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (strcasestr(key, parts[i]))
            return true;
    return false;
}

static bool allowed(const struct setting *setting, const char *section)
{
    return setting && setting->places & (*section ? SETTING_FILE | SETTING_SECTION : SETTING_FILE);
}

static void apply(struct parse *parse, const char *section, const char *key, const char *value)
{
    const struct setting *setting = setting_find(key);
    bool asked_for = strcmp(section, parse->section) == 0;
    if (parse->open_to_others && names_secret(key)) {
        wrong(parse, "a secret in a file that others can read: chmod 600 ", parse->path);
    } else if (!allowed(setting, section)) {
        wrong(parse, "unknown setting: ", key);
    } else if (*value == '"' || *value == '\'') {
        wrong(parse, "a value is written without quotes: ", key);
    } else {
        struct settings scratch = {0};
        struct error problem;
        if (setting_store(setting, value, asked_for ? parse->settings : &scratch, &problem))
            wrong(parse, "", problem.message);
        settings_free(&scratch);
        parse->section_found |= asked_for;
    }
}

static int handle(void *context, const char *section, const char *key, const char *value)
{
    struct parse *parse = context;
    if (parse->error->class == ERROR_NONE)
        apply(parse, section, key, value);
    return 1;
}

static int parse_stream(struct parse *parse)
{
    struct stat status;
    if (fstat(fileno(parse->stream), &status))
        return error_set_errno(parse->error, ERROR_SYSTEM, "can't stat %s", parse->path);
    if (!S_ISREG(status.st_mode))
        return error_set(parse->error, ERROR_USAGE, "%s is not a regular file", parse->path);
    parse->open_to_others = (status.st_mode & 077) != 0;
    int bad_line = ini_parse_stream(read_line, parse, handle, parse);
    if (bad_line > 0) {
        parse->line = bad_line;
        wrong(parse, "neither a [section] nor key = value", "");
    } else if (bad_line < 0) {
        error_memory(parse->error);
    } else if (ferror(parse->stream)) {
        error_set_errno(parse->error, ERROR_SYSTEM, "can't read %s", parse->path);
    }
    return parse->error->class == ERROR_NONE ? 0 : -1;
}

int config_file_apply(const char *path, const char *section, struct settings *settings,
                      struct error *error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a fifo must not keep us waiting */
    FILE *stream = fd < 0 ? NULL : fdopen(fd, "r");
    if (!stream)
        return error_set_errno(error, errno == ENOENT ? ERROR_MISSING : ERROR_SYSTEM,
                               "can't open configuration file %s", path);
    struct error first = {0};
    struct parse parse = {
        .stream = stream, .path = path, .section = section, .settings = settings, .error = &first};
    int result = parse_stream(&parse);
    fclose(stream);
    if (result) {
        *error = first;
        return -1;
    }
    return !*section || parse.section_found;
}
