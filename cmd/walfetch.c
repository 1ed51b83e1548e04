/* walfetch - the restore_command: a WAL file comes back from the archive, checked. */
#include "archive/fetch.h"
#include "several/fetch_several.h"
#include "archive/policy.h"
#include "several/range.h"
#include "base/log.h"
#include "cli.h"
#include "report/progress.h"

#include <inttypes.h>
#include <stdlib.h>
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

/* Each archive may stay silent for as long as its own settings say, if the policy leaves it that
 * time. */
static void limit_silence(struct archive *archives, size_t count, const struct policy *policy)
{
    for (size_t i = 0; i < count; i++) {
        struct policy own = *policy;
        own.timeout = archives[i].options.timeout;
        archives[i].options.timeout = policy_silence(&own);
    }
}

static int fetch(struct archive *archives, size_t count, const struct policy *policy,
                 struct error *error)
{
    uint64_t patience = policy_patience(policy);
    limit_silence(archives, count, policy);
    if (count == 1)
        return archive_fetch(archives, policy->name, policy->destination, patience, error);
    return fetch_several(archives, count, policy->name, policy->destination, patience, error);
}

static int fetch_one(const struct settings *settings, struct archive *archives, size_t count,
                     char **operands, struct error *error)
{
    struct wal_name name;
    if (parse_name(operands[0], &name, error))
        return -1;
    struct policy policy = make_policy(settings, &name, operands);
    return fetch(archives, count, &policy, error);
}

/* ---- a range ---- */

struct course {
    struct progress *progress;
    uint64_t outcomes[RANGE_FAILED + 1];
};

static void begin_range(void *context, uint64_t files, uint64_t bytes)
{
    struct course *course = context;
    struct error ignored; /* it is done all the same */
    progress_open(&course->progress, "fetching", files, bytes, &ignored);
}

static void take_file(void *context, enum range_outcome outcome, uint64_t bytes,
                      const struct error *failure)
{
    struct course *course = context;
    course->outcomes[outcome]++;
    progress_add(course->progress, 1, bytes);
    if (failure)
        log_error(failure);
}

static void tick(void *context)
{
    progress_tick(((struct course *)context)->progress);
}

static int fetch_range(const struct settings *settings, const struct archive *archives,
                       size_t count, char **operands, struct error *error)
{
    struct course course = {.progress = NULL};
    const struct range range = {settings->from, settings->to, operands[0], cli_jobs(settings)};
    const struct range_watch watch = {&course, begin_range, take_file, tick};
    int result = archive_fetch_range(archives, count, &range, &watch, error);
    progress_close(course.progress);
    if (result == 0)
        log_info("%" PRIu64 " files fetched, %" PRIu64 " were there already",
                 course.outcomes[RANGE_BROUGHT], course.outcomes[RANGE_THERE]);
    return result;
}

/* ---- what is asked for ---- */

static int check_operands(const struct settings *settings, char **operands, struct error *error)
{
    if (settings->to && !settings->from)
        return error_set(error, ERROR_USAGE, "--to goes with --from");
    if (settings->from && operands[1])
        return error_set(error, ERROR_USAGE, "with --from there is one operand, a directory");
    return 0;
}

static int run(const struct settings *settings, char **operands, struct error *error)
{
    struct archive *archives;
    size_t count;
    if (check_operands(settings, operands, error) ||
        cli_archives(settings, &archives, &count, error))
        return -1;
    int result = settings->from ? fetch_range(settings, archives, count, operands, error)
                                : fetch_one(settings, archives, count, operands, error);
    free(archives);
    return result;
}

static uint64_t deadline(const struct settings *settings, char **operands)
{
    struct wal_name name;
    struct error ignored;
    if (settings->from || parse_name(operands[0], &name, &ignored))
        return settings->timeout;
    struct policy policy = make_policy(settings, &name, operands);
    return policy_silence(&policy);
}

static int exit_code(const struct settings *settings, char **operands, enum error_class class)
{
    if (settings->from) /* no server has asked */
        return error_exit_code(class);
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
    return settings->from ? 1 : 2;
}

int main(int argc, char **argv)
{
    static const struct cli walfetch = {
        .name = "walfetch",
        .command = SETTINGS_WALFETCH,
        .operands = "NAME DESTINATION",
        .summary =
            "Fetches a WAL file: restore_command = 'walfetch ARCHIVE %f %p'.\n"
            "DESTINATION - is standard output.\n"
            "With --from there is only a directory: walfetch ARCHIVE --from SEGMENT DIRECTORY.",
        .operands_min = operands_min,
        .operands_max = 2,
        .run = run,
        .deadline = deadline,
        .exit_code = exit_code,
        .report = report,
    };
    return cli_main(&walfetch, argc, argv);
}
