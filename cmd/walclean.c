/* walclean - the archive_cleanup_command: a drop-in for pg_archivecleanup. */
#include "archive/clean.h"
#include "cli.h"

static int run(const struct settings *settings, char **operands, struct error *error)
{
    const struct clean_options options = {
        .dry_run = settings->dry_run,
        .debug = settings->debug,
        .backup_history = settings->clean_backup_history,
        .strip_extension = settings->strip_extension,
    };
    struct archive archive;
    char oldest[WAL_SEGMENT_NAME_LENGTH + 1];
    if (cli_archive(settings, &archive, error) || archive_open(&archive, error))
        return -1;
    int result = clean_parse_oldest(operands[0], &options, oldest, error);
    if (result == 0)
        result = archive_clean(&archive, oldest, &options, error);
    archive_close(&archive);
    return result;
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
