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

/* A part of it: a section, or "". */
static int apply_file(const char *path, const char *section, struct settings *settings,
                      struct error *error)
{
    int found = path ? config_file_apply(path, section, settings, error) : !*section;
    if (found < 0)
        return error->class == ERROR_MISSING
                   ? error_set(error, ERROR_USAGE, "configuration file %s does not exist", path)
                   : -1;
    return found ? 0 : no_such_section(section, path, error);
}

/* ---- one archive ---- */

static int apply_initial(struct settings *settings, struct error *error)
{
    for (size_t i = 0; setting_at(i); i++)
        if (setting_at(i)->initial &&
            setting_store(setting_at(i), setting_at(i)->initial, settings, error))
            return -1;
    return 0;
}

/* What the settings of one archive are made of, but for the sections. */
struct origin {
    const struct command_line *line;
    const char *path;    /* of the configuration file; NULL: there is none */
    const char *operand; /* ARCHIVE */
};

/* The weakest first; the sections come between these two. */
static int begin(const struct origin *origin, struct settings *settings, struct error *error)
{
    *settings = (struct settings){.operand = origin->operand};
    return apply_initial(settings, error) || apply_file(origin->path, "", settings, error) ? -1 : 0;
}

static int finish(const struct origin *origin, struct settings *settings, struct error *error)
{
    return apply_environment(settings, error) || apply_command_line(origin->line, settings, error)
               ? -1
               : 0;
}

/* A section's name has neither '/' nor ':'. */
static bool is_section(const char *archive)
{
    return *archive && !strpbrk(archive, "/:");
}

static int set_location(const char *location, struct settings *settings, struct error *error)
{
    settings->archive = strdup(location);
    return settings->archive ? 0 : error_memory(error);
}

/* ---- sections ---- */

static size_t count_names(char *const *names)
{
    size_t count = 0;
    while (names && names[count])
        count++;
    return count;
}

/* A section that another one names: it must be one location, not a list again. */
static int enter_section(const struct origin *origin, const char *section,
                         struct settings *settings, struct error *error)
{
    if (apply_file(origin->path, section, settings, error))
        return error_prefix(error, "section [%s]: archive: ", origin->operand);
    if (count_names(settings->named) != 1 || is_section(settings->named[0]))
        return error_set(error, ERROR_USAGE,
                         "%s: section [%s], which [%s] names, must have one \"archive = ...\", a "
                         "location",
                         origin->path, section, origin->operand);
    return set_location(settings->named[0], settings, error);
}

/* All settings of the archive that the section calls `name`. */
static int load_member(const struct origin *origin, const char *name, struct settings *settings,
                       struct error *error)
{
    if (begin(origin, settings, error) ||
        apply_file(origin->path, origin->operand, settings, error))
        return -1;
    setting_free(setting_find("archive"), settings);
    if (is_section(name) ? enter_section(origin, name, settings, error)
                         : set_location(name, settings, error))
        return -1;
    return finish(origin, settings, error);
}

/* What has a place twice would count for two. */
static int check_names(const struct origin *origin, char *const *names, struct error *error)
{
    if (count_names(names) == 0)
        return error_set(error, ERROR_USAGE, "%s: section [%s] has no \"archive = ...\"",
                         origin->path, origin->operand);
    for (size_t i = 0; names[i]; i++)
        for (size_t j = 0; j < i; j++)
            if (strcmp(names[i], names[j]) == 0)
                return error_set(error, ERROR_USAGE, "%s: section [%s] names archive %s twice",
                                 origin->path, origin->operand, names[i]);
    return 0;
}

static int load_members(const struct origin *origin, struct settings *settings, struct error *error)
{
    size_t count = count_names(settings->named);
    settings->members = calloc(count, sizeof *settings->members);
    if (!settings->members)
        return error_memory(error);
    for (; settings->member_count < count; settings->member_count++)
        if (load_member(origin, settings->named[settings->member_count],
                        &settings->members[settings->member_count], error)) {
            settings->member_count++;
            return -1;
        }
    return finish(origin, settings, error);
}

static int load_section(const struct origin *origin, struct settings *settings, struct error *error)
{
    if (apply_file(origin->path, origin->operand, settings, error) ||
        check_names(origin, settings->named, error))
        return -1;
    if (settings->named[1])
        return load_members(origin, settings, error);
    struct settings list = *settings; /* it has named the only one */
    int result = load_member(origin, list.named[0], settings, error);
    settings_free(&list);
    return result;
}

static int load_archive(const struct origin *origin, struct settings *settings, struct error *error)
{
    settings_free(settings);
    if (begin(origin, settings, error))
        return -1;
    if (is_section(origin->operand))
        return load_section(origin, settings, error);
    return set_location(origin->operand, settings, error) || finish(origin, settings, error) ? -1
                                                                                             : 0;
}

/* ---- all of it ---- */

static bool asks_for_help(const struct settings *settings)
{
    return settings->help || settings->version;
}

static int load_with_file(struct origin *origin, struct settings *settings, struct error *error)
{
    struct buf path = {0};
    origin->path = given_config(origin->line);
    int found = origin->path ? 0 : find_config(&path, error);
    if (found > 0)
        origin->path = path.data;
    int result = found < 0 ? -1 : load_archive(origin, settings, error);
    buf_free(&path);
    return result;
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
    struct origin origin = {.line = &line, .operand = argv[optind]};
    return load_with_file(&origin, settings, error);
}

void settings_free(struct settings *settings)
{
    for (size_t i = 0; setting_at(i); i++)
        setting_free(setting_at(i), settings);
    free(settings->archive);
    settings->archive = NULL;
    for (size_t i = 0; i < settings->member_count; i++)
        settings_free(&settings->members[i]);
    free(settings->members);
    settings->members = NULL;
    settings->member_count = 0;
}

size_t settings_archive_count(const struct settings *settings)
{
    return settings->member_count ? settings->member_count : 1;
}

const struct settings *settings_archive(const struct settings *settings, size_t index)
{
    return settings->member_count ? &settings->members[index] : settings;
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
