/* storagelist - what storage_list tells of any archive, for tests.
 *
 *     storagelist [options] ARCHIVE WANTED [DIRECTORY [PREFIX [AFTER]]]
 *
 * WANTED are letters: d for details, s for directories ("subdirectories"), - for neither, and a
 * number for how many are visited (0: all). A line an entry: "f SIZE TIME NAME", "d 0 0 NAME".
 */
#include "cli.h"
#include "storage/storage.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static int print(void *context, const struct storage_entry *entry, struct error *error)
{
    long *left = context;
    (void)error;
    printf("%c %" PRIu64 " %" PRId64 " %s\n", entry->is_directory ? 'd' : 'f', entry->size,
           entry->time, entry->name);
    return --*left == 0;
}

static int run(const struct settings *settings, char **operands, struct error *error)
{
    const char *wanted = operands[0];
    struct archive archive;
    struct storage_query query = {.wanted = (strchr(wanted, 'd') ? STORAGE_DETAILS : 0) |
                                            (strchr(wanted, 's') ? STORAGE_DIRECTORIES : 0)};
    const char **texts[] = {&query.directory, &query.prefix, &query.after};
    for (size_t i = 0; i < sizeof texts / sizeof *texts && operands[i + 1]; i++)
        *texts[i] = operands[i + 1];
    if (cli_archive(settings, &archive, error) || archive_open(&archive, error))
        return -1;
    long left = strtol(wanted + strcspn(wanted, "0123456789"), NULL, 10);
    int result = storage_list(archive.storage, &query, print, &left, error);
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
    static const struct cli storagelist = {
        .name = "storagelist",
        .command = SETTINGS_WALCLEAN,
        .operands = "WANTED [DIRECTORY [PREFIX [AFTER]]]",
        .summary = "Lists a storage.",
        .operands_min = operands_min,
        .operands_max = 4,
        .run = run,
    };
    return cli_main(&storagelist, argc, argv);
}
