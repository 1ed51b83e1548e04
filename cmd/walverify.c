/* walverify - is an archive whole: nothing missing, nothing damaged? */
#include "archive/verify.h"
#include "base/log.h"
#include "base/moment.h"
#include "cli.h"
#include "report/progress.h"
#include "report/verify.h"

#include <unistd.h>

enum { EXIT_NOT_WHOLE = 1 };

/* In the order of the setting's words. */
enum format { FORMAT_TEXT, FORMAT_JSON };
static verify_telling *const tellings[] = {
    [FORMAT_TEXT] = verify_text,
    [FORMAT_JSON] = verify_json,
};

static enum format chosen(const struct settings *settings)
{
    return settings->json ? FORMAT_JSON : (enum format)settings->format;
}

static size_t processors(void)
{
    long count = sysconf(_SC_NPROCESSORS_ONLN);
    return count > 0 ? (size_t)count : 1;
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
    return 0;
}

/* ---- a long run on a terminal ---- */

struct watch {
    struct progress *progress;
};

static void watch_begin(void *context, uint64_t objects, uint64_t bytes)
{
    struct watch *watch = context;
    struct error ignored;
    if (progress_open(&watch->progress, "verifying", objects, bytes, &ignored))
        watch->progress = NULL;
}

static void watch_done(void *context, uint64_t objects, uint64_t bytes)
{
    struct watch *watch = context;
    progress_add(watch->progress, objects, bytes);
}

static void watch_skip(void *context, uint64_t objects, uint64_t bytes)
{
    struct watch *watch = context;
    progress_skip(watch->progress, objects, bytes);
}

static void watch_tick(void *context)
{
    struct watch *watch = context;
    progress_tick(watch->progress);
}

/* ---- the whole of it ---- */

static int check_options(const struct settings *settings, struct error *error)
{
    if (settings->quick && settings->deep)
        return error_set(error, ERROR_USAGE, "--quick and --deep exclude each other");
    if (settings->recheck && !settings->state)
        return error_set(error, ERROR_USAGE, "--recheck is of no use without --state");
    return 0;
}

static void tell_unused(const struct verification *verification)
{
    for (size_t i = 0; i < verification->known.count; i++)
        if (!verification->known.list[i].fits)
            log_info("known gaps, line %zu: %s fits no gap", verification->known.list[i].line,
                     verification->known.list[i].first.text);
}

static int tell(const struct settings *settings, const struct verification *verification)
{
    const struct verify_story story = {settings->archive, verification, moment_now()};
    bool whole = verification_is_whole(verification);
    tell_unused(verification);
    if (!settings->quiet || !whole || chosen(settings) != FORMAT_TEXT)
        tellings[chosen(settings)](&story, stdout);
    return whole ? 0 : EXIT_NOT_WHOLE;
}

static int run(const struct settings *settings, char **operands, struct error *error)
{
    struct archive archive;
    struct verification verification;
    struct verify_terms terms;
    (void)operands;
    if (check_options(settings, error) || make_terms(settings, &terms, error) ||
        cli_archive(settings, &archive, error) || archive_open(&archive, error))
        return -1;
    struct watch watch = {NULL};
    terms.watch = (struct verify_watch){&watch, watch_begin, watch_done, watch_skip, watch_tick};
    int result = archive_verify(&archive, &terms, &verification, error);
    progress_close(watch.progress);
    if (result == 0)
        result = tell(settings, &verification);
    verification_free(&verification);
    archive_close(&archive);
    return result;
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
    };
    return cli_main(&walverify, argc, argv);
}
