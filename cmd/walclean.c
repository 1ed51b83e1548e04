/* walclean - the archive_cleanup_command: a drop-in for pg_archivecleanup, that knows base backups
 * and several standbys too. */
#include "retain/cleaning.h"
#include "base/log.h"
#include "base/moment.h"
#include "cli.h"
#include "report/cleaning.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct cleaning_request request_of(const struct settings *settings)
{
    struct cleaning_request request = {
        .standby = settings->standby,
        .rule = {.backups = settings->keep_backups,
                 .days = settings->keep_days,
                 .size = settings->keep_size},
        .now = moment_now(),
        .standby_timeout = (int64_t)settings->standby_timeout,
        .release_stale = settings->release_stale,
        .options = {.dry_run = settings->dry_run,
                    .debug = settings->debug,
                    .backup_history = settings->clean_backup_history,
                    .strip_extension = settings->strip_extension},
    };
    /* A backup history file without its WAL tells of a backup that can't be recovered. */
    request.options.backup_history |= cleaning_has_rule(&request);
    return request;
}

/* A section of several archives may set it for each. How many of them have a rule? */
static size_t count_ruled(const struct settings *settings)
{
    size_t ruled = 0;
    for (size_t i = 0; i < settings_archive_count(settings); i++) {
        const struct cleaning_request request = request_of(settings_archive(settings, i));
        ruled += cleaning_has_rule(&request);
    }
    return ruled;
}

/* ---- asking ---- */

static bool may_ask(const struct settings *settings)
{
    return count_ruled(settings) && !settings->yes && !settings->dry_run && isatty(STDIN_FILENO) &&
           isatty(STDERR_FILENO);
}

/* Only a word that begins with y is a yes. */
static int ask(const struct archive *archive, const struct cleaning *cleaning, struct error *error)
{
    char goes[256], answer[16];
    fprintf(stderr, "walclean: from %s would go: %s. That is more than half. Remove it? [y/N] ",
            archive->location, report_tally(&cleaning->all_goes, goes, sizeof goes));
    if (fgets(answer, sizeof answer, stdin) && (*answer == 'y' || *answer == 'Y'))
        return 0;
    return error_set(error, ERROR_REFUSED, "not confirmed; nothing was removed");
}

static int confirm(const struct settings *settings, struct archive *archive,
                   const struct cleaning_request *request, struct cleaning *cleaning,
                   struct error *error)
{
    if (!may_ask(settings))
        return 0;
    if (cleaning_measure(archive, request, cleaning, error))
        return -1;
    bool much = cleaning->all_goes.segments > cleaning->all_stays.segments;
    return much ? ask(archive, cleaning, error) : 0;
}

/* ---- cleaning ---- */

static int show(struct archive *archive, const struct cleaning_request *request,
                struct cleaning *cleaning, struct error *error)
{
    if (cleaning_measure(archive, request, cleaning, error))
        return -1;
    report_cleaning(stdout, request, cleaning);
    return 0;
}

static int carry_out(const struct settings *settings, struct archive *archive,
                     const struct cleaning_request *request, struct cleaning *cleaning,
                     struct error *error)
{
    if (request->options.dry_run && cleaning_has_rule(request))
        return show(archive, request, cleaning, error);
    if (!*cleaning->segment)
        return 0;
    if (cleaning->held_by)
        log_info("standby %s keeps what else would go", cleaning->held_by->name);
    if (confirm(settings, archive, request, cleaning, error))
        return -1;
    return archive_clean(archive, cleaning->segment, &request->options, error);
}

static int clean(const struct settings *settings, struct archive *archive,
                 const struct cleaning_request *request, struct error *error)
{
    struct cleaning cleaning;
    int result = cleaning_plan(archive, request, &cleaning, error);
    if (result == 0)
        result = carry_out(settings, archive, request, &cleaning, error);
    cleaning_free(&cleaning);
    return result;
}

static int forget(const struct settings *settings, struct archive *archive, struct error *error)
{
    if (clean_check(archive, error) ||
        standby_forget(archive, settings->forget_standby, settings->dry_run, error))
        return -1;
    if (settings->dry_run)
        printf("standby %s would be forgotten\n", settings->forget_standby);
    return 0;
}

static int record(const struct cleaning_request *request, struct archive *archive,
                  struct error *error)
{
    if (clean_check(archive, error))
        return -1;
    if (request->options.dry_run)
        return 0;
    return standby_record(archive, request->standby, request->oldest, error);
}

/* ---- the command line ---- */

static int check(const struct settings *settings, const char *oldest, struct error *error)
{
    if (settings->standby && standby_check_name(settings->standby, error))
        return -1;
    if (settings->forget_standby && standby_check_name(settings->forget_standby, error))
        return -1;
    if (settings->forget_standby && (oldest || settings->standby))
        return error_set(error, ERROR_USAGE, "--forget-standby does nothing else: leave out %s",
                         oldest ? "OLDESTKEPT" : "--standby");
    if (settings->record_only && !settings->standby)
        return error_set(error, ERROR_USAGE, "--record-only needs --standby");
    if (count_ruled(settings) && *settings->strip_extension)
        return error_set(error, ERROR_USAGE,
                         "--strip-extension does not go with keep-backups, keep-days or keep-size: "
                         "what has another suffix can't be read");
    return 0;
}

static int work(const struct settings *settings, struct archive *archive, const char *oldest,
                struct error *error)
{
    char segment[WAL_SEGMENT_NAME_LENGTH + 1];
    struct cleaning_request request = request_of(settings);
    if (settings->forget_standby)
        return forget(settings, archive, error);
    if (oldest && clean_parse_oldest(oldest, &request.options, segment, error))
        return -1;
    request.oldest = oldest ? segment : NULL;
    return settings->record_only ? record(&request, archive, error)
                                 : clean(settings, archive, &request, error);
}

/* ---- one archive, or several ---- */

struct job {
    const struct settings *settings;
    const char *oldest;
};

/* What is set for this one of them: its texts are those of its settings. */
static const struct settings *settings_of(const struct settings *settings,
                                          const struct archive *archive)
{
    for (size_t i = 0; i < settings_archive_count(settings); i++)
        if (settings_archive(settings, i)->archive == archive->location)
            return settings_archive(settings, i);
    return settings;
}

static int clean_one(void *context, struct archive *archive, struct error *error)
{
    const struct job *job = context;
    if (archive_open(archive, error))
        return -1;
    int result = work(settings_of(job->settings, archive), archive, job->oldest, error);
    archive_close(archive);
    return result;
}

static int run(const struct settings *settings, char **operands, struct error *error)
{
    struct job job = {settings, operands[0]};
    bool prints = settings->dry_run || settings->debug;
    if (check(settings, operands[0], error))
        return -1;
    if (may_ask(settings) && settings_archive_count(settings) > 1)
        return error_set(error, ERROR_USAGE,
                         "the section names several archives: look with --dry-run, then say --yes");
    return cli_each(settings, prints ? CLI_IN_TURN : CLI_AT_ONCE, clean_one, &job, error);
}

static int operands_min(const struct settings *settings)
{
    bool ruled = count_ruled(settings) == settings_archive_count(settings) && !settings->standby;
    return ruled || settings->forget_standby ? 0 : 1;
}

/* Nobody's answer is waited for longer than a day. */
static uint64_t deadline(const struct settings *settings, char **operands)
{
    enum { DAY_MS = 86400 * 1000 };
    (void)operands;
    return may_ask(settings) ? DAY_MS : settings->timeout;
}

int main(int argc, char **argv)
{
    static const struct cli walclean = {
        .name = "walclean",
        .command = SETTINGS_WALCLEAN,
        .operands = "[OLDESTKEPT]",
        .summary = "Removes WAL files older than OLDESTKEPT, and than what kept base backups and "
                   "standbys\nneed: archive_cleanup_command = 'walclean ARCHIVE %r'.",
        .operands_min = operands_min,
        .operands_max = 1,
        .run = run,
        .deadline = deadline,
    };
    return cli_main(&walclean, argc, argv);
}
