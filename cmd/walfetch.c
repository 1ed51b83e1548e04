/* walfetch - the restore_command: a WAL file comes back from the archive, checked. */
#include "archive/fetch.h"
#include "archive/policy.h"
#include "base/log.h"
#include "cli.h"

#include <string.h>
#include <unistd.h>

static int parse_name(const char *text, struct wal_name *name, struct error *error)
{
    if (wal_name_parse(text, strlen(text), name))
        return 0;
    return error_set(error, ERROR_USAGE,
                     "\"%s\" is not the name of a WAL file; PostgreSQL gives it as %%f", text);
}

static struct policy make_policy(const struct settings *settings, const struct wal_name *name,
                                 char **operands)
{
    return (struct policy){settings->on_error, name, operands[1], settings->timeout};
}

static int run(const struct settings *settings, char **operands, struct error *error)
{
    struct archive archive;
    struct wal_name name;
    if (cli_archive(settings, &archive, error) || parse_name(operands[0], &name, error))
        return -1;
    struct policy policy = make_policy(settings, &name, operands);
    archive.options.timeout = policy_silence(&policy);
    return archive_fetch(&archive, &name, operands[1], policy_patience(&policy), error);
}

static uint64_t deadline(const struct settings *settings, char **operands)
{
    struct wal_name name;
    struct error ignored;
    if (parse_name(operands[0], &name, &ignored))
        return settings->timeout;
    struct policy policy = make_policy(settings, &name, operands);
    return policy_silence(&policy);
}

static int exit_code(const struct settings *settings, char **operands, enum error_class class)
{
    return policy_exit_code(settings->on_error, operands ? operands[1] : NULL, class);
}

/* A standby asks every few seconds for what isn't there yet: no line a time in the server's log. */
static void report(const struct settings *settings, const struct error *error)
{
    (void)settings;
    if (error->class == ERROR_MISSING && !isatty(STDERR_FILENO))
        log_info("%s", error->message);
    else
        log_error(error);
}

static int operands_min(const struct settings *settings)
{
    (void)settings;
    return 2;
}

int main(int argc, char **argv)
{
    static const struct cli walfetch = {
        .name = "walfetch",
        .command = SETTINGS_WALFETCH,
        .operands = "NAME DESTINATION",
        .summary = "Fetches a WAL file: restore_command = 'walfetch ARCHIVE %f %p'.\n"
                   "DESTINATION - is standard output.",
        .operands_min = operands_min,
        .operands_max = 2,
        .run = run,
        .deadline = deadline,
        .exit_code = exit_code,
        .report = report,
    };
    return cli_main(&walfetch, argc, argv);
}
