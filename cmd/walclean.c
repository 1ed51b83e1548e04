/* walclean - the archive_cleanup_command: a drop-in for pg_archivecleanup. */
#include "archive/clean.h"
#include "cli.h"

struct clean {
    struct clean_options options;
    const char *oldest;
};

static int clean_one(void *context, struct archive *archive, struct error *error)
{
    const struct clean *clean = context;
    char oldest[WAL_SEGMENT_NAME_LENGTH + 1];
    if (archive_open(archive, error))
        return -1;
    int result = clean_parse_oldest(clean->oldest, &clean->options, oldest, error);
    if (result == 0)
        result = archive_clean(archive, oldest, &clean->options, error);
    archive_close(archive);
    return result;
}

/* What is printed must not mix. */
static enum cli_order order(const struct clean_options *options)
{
    return options->dry_run || options->debug ? CLI_IN_TURN : CLI_AT_ONCE;
}

static int run(const struct settings *settings, char **operands, struct error *error)
{
    struct clean work = {
        .options =
            {
                .dry_run = settings->dry_run,
                .debug = settings->debug,
                .backup_history = settings->clean_backup_history,
                .strip_extension = settings->strip_extension,
            },
        .oldest = operands[0],
    };
    return cli_each(settings, order(&work.options), clean_one, &work, error);
}

static int operands_min(const struct settings *settings)
{
    (void)settings;
    return 1;
}

int main(int argc, char **argv)
{
    static const struct cli walclean = {
        .name = "walclean",
        .command = SETTINGS_WALCLEAN,
        .operands = "OLDESTKEPT",
        .summary = "Removes WAL files older than OLDESTKEPT:\n"
                   "archive_cleanup_command = 'walclean ARCHIVE %r'.",
        .operands_min = operands_min,
        .operands_max = 1,
        .run = run,
    };
    return cli_main(&walclean, argc, argv);
}
