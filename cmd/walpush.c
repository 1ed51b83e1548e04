/* walpush - the archive_command: a WAL file goes into the archive, durably, once. */
#include "archive/push.h"
#include "cli.h"

static int push_all(struct archive *archive, const struct settings *settings, char **files,
                    struct error *error)
{
    enum identity_new new = settings->init ? IDENTITY_BY_ORDER : IDENTITY_IF_UNUSED;
    if (settings->init && !*files)
        return archive_init(archive, error);
    return archive_push(archive, files, new, error);
}

static int run(const struct settings *settings, char **operands, struct error *error)
{
    struct archive archive;
    if (cli_archive(settings, &archive, error) || archive_open(&archive, error))
        return -1;
    int result = push_all(&archive, settings, operands, error);
    archive_close(&archive);
    return result;
}

static int operands_min(const struct settings *settings)
{
    return settings->init ? 0 : 1;
}

int main(int argc, char **argv)
{
    static const struct cli walpush = {
        .name = "walpush",
        .command = SETTINGS_WALPUSH,
        .operands = "FILE...",
        .summary = "Archives WAL files: archive_command = 'walpush ARCHIVE %p'.",
        .operands_min = operands_min,
        .operands_max = -1,
        .run = run,
    };
    return cli_main(&walpush, argc, argv);
}
