/* walverify - is an archive whole: nothing missing, nothing damaged? */
#include "archive/verify.h"
#include "base/log.h"
#include "base/moment.h"
#include "cli.h"
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

static struct verify_terms make_terms(const struct settings *settings)
{
    return (struct verify_terms){
        .selection = {settings->from, settings->to, settings->timeline, settings->since},
        .depth = settings->quick  ? VERIFY_NAMES
                 : settings->deep ? VERIFY_RECORDS
                                  : VERIFY_CONTENT,
        .sample = (unsigned)settings->sample,
        .workers = settings->jobs ? settings->jobs : processors(),
        .known_gaps = settings->known_gaps,
    };
}

static int check_options(const struct settings *settings, struct error *error)
{
    if (settings->quick && settings->deep)
        return error_set(error, ERROR_USAGE, "--quick and --deep exclude each other");
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
    const struct verify_terms terms = make_terms(settings);
    (void)operands;
    if (check_options(settings, error) || cli_archive(settings, &archive, error) ||
        archive_open(&archive, error))
        return -1;
    int result = archive_verify(&archive, &terms, &verification, error);
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
