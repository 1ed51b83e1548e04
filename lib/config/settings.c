#include "config/settings.h"
#include "base/buf.h"
#include "base/error.h"
#include "config/file.h"
#include "config/table.h"

#include <ctype.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern char **environ;

enum { OPTIONS_MAX = 64, GIVEN_MAX = 64, LONG_ONLY = 256 };

static const char environment_prefix[] = "WALTOOLS_";

/* ---- the command line ---- */

struct given {
    const struct setting *setting;
    const char *value;
};

struct command_line {
    struct given given[GIVEN_MAX];
    size_t count;
};

/* getopt's tables, made from ours. An option's value there is LONG_ONLY + index. */
static void make_options(enum settings_command command, struct option *options, char *letters)
{
    *letters++ = ':';
    for (size_t i = 0; setting_at(i); i++) {
        const struct setting *setting = setting_at(i);
        if (!(setting->places & SETTING_OPTION) || !(setting->commands & command))
            continue;
        *options++ =
            (struct option){setting->name, setting->argument ? required_argument : no_argument,
                            NULL, LONG_ONLY + (int)i};
        if (setting->letter && setting->letter != '?')
            *letters++ = setting->letter;
        if (setting->letter && setting->argument)
            *letters++ = ':';
    }
    *options = (struct option){0};
    *letters = '\0';
}

static const struct setting *setting_of_option(int found)
{
    if (found >= LONG_ONLY)
        return setting_at((size_t)(found - LONG_ONLY));
    for (size_t i = 0; setting_at(i); i++)
        if (setting_at(i)->letter == found)
            return setting_at(i);
    return NULL;
}

static int bad_option(int found, char **argv, struct error *error)
{
    const char *word = argv[optind - 1];
    if (found == ':')
        return error_set(error, ERROR_USAGE, "option %s needs a value", word);
    if (optopt && optopt < LONG_ONLY)
        return error_set(error, ERROR_USAGE, "unknown option -%c", optopt);
    if (optopt)
        return error_set(error, ERROR_USAGE, "option %s takes no value", word);
    return error_set(error, ERROR_USAGE, "unknown or ambiguous option %.*s",
                     (int)strcspn(word, "="), word); /* the value may be a secret */
}

static int read_command_line(struct command_line *line, enum settings_command command, int argc,
                             char **argv, struct error *error)
{
    struct option options[OPTIONS_MAX];
    char letters[2 * OPTIONS_MAX];
    make_options(command, options, letters);
    opterr = 0;
    for (int found; (found = getopt_long(argc, argv, letters, options, NULL)) != -1;) {
        /* -? is getopt's own sign for an error: then optopt is 0 or another letter. */
        if (found == ':' || (found == '?' && !(optopt == '?')))
            return bad_option(found, argv, error);
        if (line->count == GIVEN_MAX)
            return error_set(error, ERROR_USAGE, "too many options");
        line->given[line->count++] = (struct given){setting_of_option(found), optarg};
    }
    return 0;
}

static int apply_command_line(const struct command_line *line, struct settings *settings,
                              struct error *error)
{
    for (size_t i = 0; i < line->count; i++)
        if (setting_store(line->given[i].setting, line->given[i].value, settings, error))
            return error_prefix(error, "--");
    return 0;
}

/* ---- the environment ---- */

/* "WALTOOLS_ON_ERROR" is on-error. NULL when it is no setting that the environment may hold. */
static const struct setting *setting_of_variable(const char *variable, size_t length)
{
    char name[64];
    size_t prefix = sizeof environment_prefix - 1;
    if (length - prefix >= sizeof name)
        return NULL;
    for (size_t i = prefix; i < length; i++)
        name[i - prefix] = variable[i] == '_' ? '-' : (char)tolower((unsigned char)variable[i]);
    name[length - prefix] = '\0';
    const struct setting *setting = setting_find(name);
    return setting && setting->places & SETTING_ENVIRONMENT ? setting : NULL;
}

static int apply_environment(struct settings *settings, struct error *error)
{
    for (char **entry = environ; *entry; entry++) {
        size_t length = strcspn(*entry, "=");
        if (strncmp(*entry, environment_prefix, sizeof environment_prefix - 1) != 0 ||
            !(*entry)[length])
            continue;
        const struct setting *setting = setting_of_variable(*entry, length);
        if (!setting)
            return error_set(error, ERROR_USAGE, "unknown setting in the environment: %.*s",
                             (int)length, *entry);
        if (setting_store(setting, *entry + length + 1, settings, error))
            return error_prefix(error, "environment variable %.*s: ", (int)length, *entry);
    }
    return 0;
}

/* ---- the file ---- */

/* --config and WALTOOLS_CONFIG are needed before the rest, which the file is weaker than. */
static const char *given_config(const struct command_line *line)
{
    const char *path = getenv("WALTOOLS_CONFIG");
    for (size_t i = 0; i < line->count; i++)
        if (line->given[i].setting->offset == offsetof(struct settings, config))
            path = line->given[i].value;
    return path;
}

static int find_config(struct buf *path, struct error *error)
{
    const char *home = getenv("HOME");
    if (home && *home) {
        if (buf_printf(path, error, "%s/.config/waltools.conf", home))
            return -1;
        if (access(path->data, F_OK) == 0)
            return 1;
        path->length = 0;
    }
    if (buf_printf(path, error, "/etc/waltools.conf"))
        return -1;
    return access(path->data, F_OK) == 0;
}

static int no_such_section(const char *section, const char *path, struct error *error)
{
    return error_set(error, ERROR_USAGE,
                     "\"%s\" is neither a path (/...) nor a section of the configuration file%s%s",
                     section, path ? " " : "; there is none", path ? path : "");
}

static int apply_file_at(const char *path, const char *section, struct settings *settings,
                         struct error *error)
{
    int found = config_file_apply(path, section, settings, error);
    if (found < 0)
        return error->class == ERROR_MISSING
                   ? error_set(error, ERROR_USAGE, "configuration file %s does not exist", path)
                   : -1;
    if (!found)
        return no_such_section(section, path, error);
    if (section && !settings->archive)
        return error_set(error, ERROR_USAGE, "%s: section [%s] has no \"archive = ...\"", path,
                         section);
    return 0;
}

static int apply_file(const struct command_line *line, const char *section,
                      struct settings *settings, struct error *error)
{
    const char *given = given_config(line);
    if (given)
        return apply_file_at(given, section, settings, error);
    struct buf path = {0};
    int found = find_config(&path, error);
    int result = found < 0 ? -1 : 0;
    if (found > 0)
        result = apply_file_at(path.data, section, settings, error);
    else if (found == 0 && section)
        result = no_such_section(section, NULL, error);
    buf_free(&path);
    return result;
}

/* ---- all of it ---- */

static int apply_initial(struct settings *settings, struct error *error)
{
    for (size_t i = 0; setting_at(i); i++)
        if (setting_at(i)->initial &&
            setting_store(setting_at(i), setting_at(i)->initial, settings, error))
            return -1;
    return 0;
}

static bool asks_for_help(const struct settings *settings)
{
    return settings->help || settings->version;
}

/* A section's name has neither '/' nor ':'. */
static bool is_section(const char *archive)
{
    return *archive && !strpbrk(archive, "/:");
}

static int load_archive(const struct command_line *line, const char *archive,
                        struct settings *settings, struct error *error)
{
    const char *section = is_section(archive) ? archive : NULL;
    settings->operand = archive;
    if (apply_file(line, section, settings, error) || apply_environment(settings, error) ||
        apply_command_line(line, settings, error))
        return -1;
    if (section)
        return 0;
    settings->archive = strdup(archive);
    return settings->archive ? 0 : error_memory(error);
}

int settings_load(struct settings *settings, enum settings_command command, int argc, char **argv,
                  int *operands, struct error *error)
{
    struct command_line line = {.count = 0};
    *settings = (struct settings){0};
    if (apply_initial(settings, error) || read_command_line(&line, command, argc, argv, error) ||
        apply_command_line(&line, settings, error))
        return -1;
    if (asks_for_help(settings))
        return 0;
    if (optind == argc)
        return error_set(error, ERROR_USAGE, "no ARCHIVE given");
    *operands = optind + 1;
    return load_archive(&line, argv[optind], settings, error);
}

void settings_free(struct settings *settings)
{
    for (size_t i = 0; setting_at(i); i++) {
        if (setting_at(i)->type != SETTING_TEXT)
            continue;
        char **text = (char **)((char *)settings + setting_at(i)->offset);
        free(*text);
        *text = NULL;
    }
}

void settings_help(enum settings_command command, FILE *out)
{
    for (size_t i = 0; setting_at(i); i++) {
        const struct setting *setting = setting_at(i);
        if (!(setting->places & SETTING_OPTION) || !(setting->commands & command))
            continue;
        char option[64], letter[8] = "    ";
        if (setting->letter)
            snprintf(letter, sizeof letter, "-%c, ", setting->letter);
        snprintf(option, sizeof option, "%s--%s%s%s", letter, setting->name,
                 setting->argument ? "=" : "", setting->argument ? setting->argument : "");
        fprintf(out, "  %-30s %s\n", option, setting->help);
    }
}
