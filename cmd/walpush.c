/* walpush - the archive_command: a WAL file goes into the archive, durably, once. */
#include "archive/push.h"
#include "archive/several.h"
#include "base/log.h"
#include "cli.h"

#include <inttypes.h>
#include <stdlib.h>

/* ---- one archive ---- */

struct push {
    const struct settings *settings;
    char **files;
};

static int push_files(struct archive *archive, const struct push *push, struct error *error)
{
    bool init = push->settings->init;
    if (init && !*push->files)
        return archive_init(archive, error);
    return archive_push(archive, push->files, init ? IDENTITY_BY_ORDER : IDENTITY_IF_UNUSED, error);
}

static int push_to(void *context, struct archive *archive, struct error *error)
{
    if (archive_open(archive, error))
        return -1;
    int result = push_files(archive, context, error);
    archive_close(archive);
    return result;
}

/* ---- several ---- */

static int check_requirement(const struct settings *settings, struct error *error)
{
    size_t count = settings_archive_count(settings);
    if (settings->require <= count)
        return 0;
    return error_set(error, ERROR_USAGE,
                     "require: %" PRIu64 " archives must have it, but %s names only %zu",
                     settings->require, settings->operand, count);
}

/* Enough have it: what the others lack is a warning. */
static void warn(const struct error *failures, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (failures[i].class != ERROR_NONE)
            log_warning("enough archives have it, but not all: %s", failures[i].message);
}

static int judge(const struct settings *settings, const struct error *failures, size_t count,
                 struct error *error)
{
    size_t have = 0, required = settings->require ? (size_t)settings->require : count;
    for (size_t i = 0; i < count; i++)
        have += failures[i].class == ERROR_NONE;
    if (have < required)
        return cli_report(failures, count, error);
    warn(failures, count);
    return 0;
}

static int push_to_all(const struct settings *settings, struct push *push, struct error *error)
{
    struct archive *archives;
    size_t count;
    if (cli_archives(settings, &archives, &count, error))
        return -1;
    struct error *failures = calloc(count, sizeof *failures);
    const struct several_work work = {push_to, push, count};
    int result = !failures    ? error_memory(error)
                 : count == 1 ? push_to(push, archives, error)
                              : several_run(archives, count, &work, failures, error);
    if (result == 0 && count > 1)
        result = judge(settings, failures, count, error);
    free(failures);
    free(archives);
    return result;
}

static int run(const struct settings *settings, char **operands, struct error *error)
{
    struct push push = {settings, operands};
    return check_requirement(settings, error) ? -1 : push_to_all(settings, &push, error);
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
