/* walverify - is an archive whole: nothing missing, nothing damaged? */
#include "verify/backlog.h"
#include "several/compare.h"
#include "verify/verify.h"
#include "base/log.h"
#include "base/moment.h"
#include "cli.h"
#include "report/comparison.h"
#include "report/progress.h"
#include "report/verify.h"

#include <stdlib.h>
#include <unistd.h>

enum { EXIT_NOT_WHOLE = 1 };

/* In the order of the setting's words. */
enum format { FORMAT_TEXT, FORMAT_JSON, FORMAT_NAGIOS, FORMAT_PROMETHEUS };
static verify_telling *const tellings[] = {
    [FORMAT_TEXT] = verify_text,
    [FORMAT_JSON] = verify_json,
    [FORMAT_NAGIOS] = verify_nagios,
    [FORMAT_PROMETHEUS] = verify_prometheus,
};

static enum format chosen(const struct settings *settings)
{
    return settings->json ? FORMAT_JSON : (enum format)settings->format;
}

/* ---- what is asked ---- */

static size_t processors(void)
{
    long count = sysconf(_SC_NPROCESSORS_ONLN);
    return count > 0 ? (size_t)count : 1;
}

static int check_options(const struct settings *settings, struct error *error)
{
    if (settings->quick && settings->deep)
        return error_set(error, ERROR_USAGE, "--quick and --deep exclude each other");
    if (settings->recheck && !settings->state)
        return error_set(error, ERROR_USAGE, "--recheck is of no use without --state");
    return 0;
}

static int make_terms(const struct settings *settings, struct verify_terms *terms,
                      struct error *error)
{
    *terms = (struct verify_terms){
        .selection = {settings->from, settings->to, settings->timeline, settings->since},
        .depth = settings->quick  ? VERIFY_NAMES
                 : settings->deep ? VERIFY_RECORDS
                                  : VERIFY_CONTENT,
        .sample = (unsigned)settings->sample,
        .workers = settings->jobs ? settings->jobs : processors(),
        .known_gaps = settings->known_gaps,
        .state = settings->state,
        .recheck = INT64_MIN,
    };
    if (settings->recheck && moment_parse(settings->recheck, moment_now(), &terms->recheck, error))
        return error_prefix(error, "recheck: ");
    return check_options(settings, error);
}

/* ---- a long run on a terminal ---- */

static void watch_begin(void *context, uint64_t objects, uint64_t bytes)
{
    struct progress **progress = context;
    struct error ignored;
    if (progress_open(progress, "verifying", objects, bytes, &ignored))
        *progress = NULL;
}

static void watch_done(void *context, uint64_t objects, uint64_t bytes)
{
    struct progress **progress = context;
    progress_add(*progress, objects, bytes);
}

static void watch_skip(void *context, uint64_t objects, uint64_t bytes)
{
    struct progress **progress = context;
    progress_skip(*progress, objects, bytes);
}

static void watch_tick(void *context)
{
    struct progress **progress = context;
    progress_tick(*progress);
}

/* ---- the answer ---- */

static void tell_unused(const struct verification *verification)
{
    for (size_t i = 0; i < verification->known.count; i++)
        if (!verification->known.list[i].fits)
            log_info("known gaps, line %zu: %s fits no gap", verification->known.list[i].line,
                     verification->known.list[i].first.text);
}

/* Seconds; `usual` is for a server whose backlog is known. */
static int64_t patience(uint64_t milliseconds, const struct settings *settings, int64_t usual)
{
    if (milliseconds)
        return (int64_t)(milliseconds / 1000);
    return settings->pgdata ? usual : 0;
}

static int tell(const struct settings *settings, const struct verification *verification,
                struct error *error)
{
    enum { WARNING_USUAL = 600, CRITICAL_USUAL = 3600 };
    struct backlog backlog;
    const struct verify_story story = {
        .archive = settings->archive,
        .verification = verification,
        .now = moment_now(),
        .color = (enum color_when)settings->color,
        .backlog = settings->pgdata ? &backlog : NULL,
        .warning = patience(settings->warning, settings, WARNING_USUAL),
        .critical = patience(settings->critical, settings, CRITICAL_USUAL),
    };
    bool whole = verification_is_whole(verification);
    enum format format = chosen(settings);
    if (settings->pgdata &&
        backlog_read(settings->pgdata, verification->inventory.system_identifier, &backlog, error))
        return -1;
    tell_unused(verification);
    if (!settings->quiet || !whole || format != FORMAT_TEXT)
        tellings[format](&story, stdout);
    if (format == FORMAT_NAGIOS)
        return (int)verify_judge(&story);
    return whole ? 0 : EXIT_NOT_WHOLE;
}

/* ---- one archive ---- */

static int verify(const struct settings *settings, struct archive *archive, struct error *error)
{
    struct verification verification;
    struct verify_terms terms;
    struct progress *progress = NULL;
    if (make_terms(settings, &terms, error) || archive_open(archive, error))
        return -1;
    terms.watch = (struct verify_watch){&progress, watch_begin, watch_done, watch_skip, watch_tick};
    int result = archive_verify(archive, &terms, &verification, error);
    progress_close(progress);
    if (result == 0)
        result = tell(settings, &verification, error);
    verification_free(&verification);
    archive_close(archive);
    return result;
}

/* ---- several: each, and how they differ ---- */

static int compare(const struct settings *settings, const struct archive *archives, size_t count,
                   struct error *error)
{
    static comparison_telling *const told[] = {
        [FORMAT_TEXT] = comparison_text, [FORMAT_JSON] = comparison_json};
    struct comparison comparison;
    enum compare_depth depth = settings->quick ? COMPARE_NAMES : COMPARE_CONTENT;
    size_t workers = settings->jobs ? settings->jobs : processors();
    int result = archive_compare(archives, count, depth, workers, &comparison, error);
    const struct comparison_story story = {.archives = archives,
                                           .count = count,
                                           .section = settings->operand,
                                           .depth = depth,
                                           .comparison = &comparison,
                                           .color = (enum color_when)settings->color};
    bool same = comparison_is_same(&comparison);
    if (result == 0 && (!settings->quiet || !same || chosen(settings) != FORMAT_TEXT))
        told[chosen(settings)](&story, stdout);
    comparison_free(&comparison);
    return result ? result : same ? 0 : EXIT_NOT_WHOLE;
}

/* One that can't be verified does not keep the others from it; but then they can't be compared. */
static int verify_each(const struct settings *settings, struct archive *archives, size_t count,
                       struct error *failures, struct error *error)
{
    int verdict = 0;
    for (size_t i = 0; i < count; i++) {
        int result = verify(settings_archive(settings, i), &archives[i], &failures[i]);
        if (result < 0)
            error_prefix(&failures[i], "%s: ", archives[i].location);
        else
            verdict |= result;
    }
    if (cli_report(failures, count, error))
        return -1;
    int result = compare(settings, archives, count, error);
    return result < 0 ? -1 : verdict | result;
}

static int check_several(const struct settings *settings, struct error *error)
{
    enum format format = chosen(settings);
    if (format != FORMAT_NAGIOS && format != FORMAT_PROMETHEUS && !settings->state)
        return 0;
    return error_set(error, ERROR_USAGE,
                     "%s is of one archive, and the section names several: call this for each",
                     settings->state ? "--state" : "--format=nagios or prometheus");
}

static int run(const struct settings *settings, char **operands, struct error *error)
{
    struct archive *archives;
    size_t count;
    (void)operands;
    if (cli_archives(settings, &archives, &count, error))
        return -1;
    struct error *failures = calloc(count, sizeof *failures);
    int result = !failures    ? error_memory(error)
                 : count == 1 ? verify(settings, archives, error)
                 : check_several(settings, error)
                     ? -1
                     : verify_each(settings, archives, count, failures, error);
    free(failures);
    free(archives);
    return result;
}

/* ---- failures, which a plugin of Nagios tells in its own way ---- */

static int exit_code(const struct settings *settings, char **operands, enum error_class class)
{
    (void)operands;
    return chosen(settings) == FORMAT_NAGIOS ? (int)VERIFY_UNKNOWN : error_exit_code(class);
}

static void report(const struct settings *settings, const struct error *error)
{
    if (chosen(settings) == FORMAT_NAGIOS)
        printf("WALVERIFY UNKNOWN - %s\n", error->message);
    else
        log_error(error);
}

int main(int argc, char **argv)
{
    static const struct cli walverify = {
        .name = "walverify",
        .command = SETTINGS_WALVERIFY,
        .operands = "",
        .summary = "Is the archive whole? What is missing, damaged, and recoverable.",
        .operands_max = 0,
        .run = run,
        .exit_code = exit_code,
        .report = report,
    };
    return cli_main(&walverify, argc, argv);
}
