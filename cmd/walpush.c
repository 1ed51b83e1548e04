/* walpush - the archive_command: a WAL file goes into the archive, durably, once. */
#include "archive/push.h"
#include "several/repair.h"
#include "archive/salvage.h"
#include "several/several.h"
#include "base/log.h"
#include "cli.h"
#include "report/human.h"
#include "report/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- one archive ---- */

struct push {
    const struct settings *settings;
    char **files;
    const struct salvage *salvage; /* NULL: what the command line names */
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
    const struct push *push = context;
    enum identity_new new = push->settings->init ? IDENTITY_BY_ORDER : IDENTITY_IF_UNUSED;
    if (push->salvage)
        return archive_salvage(archive, push->salvage, new, error);
    if (archive_open(archive, error))
        return -1;
    int result = push_files(archive, push, error);
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

static int push_to_all(struct push *push, struct error *error)
{
    struct archive *archives;
    size_t count;
    if (cli_archives(push->settings, &archives, &count, error))
        return -1;
    struct error *failures = calloc(count, sizeof *failures);
    const struct several_work work = {push_to, push, count};
    int result = !failures    ? error_memory(error)
                 : count == 1 ? push_to(push, archives, error)
                              : several_run(archives, count, &work, failures, error);
    if (result == 0 && count > 1)
        result = judge(push->settings, failures, count, error);
    free(failures);
    free(archives);
    return result;
}

/* ---- what a server that is down had ready ---- */

static void tell_in_use(const struct salvage *salvage)
{
    if (*salvage->in_use)
        log_plain("%s/%s was in use and is not archived, as it may not be full: to recover all, "
                  "keep it and copy it to the new server's %s",
                  salvage->directory, salvage->in_use, salvage->directory);
}

static int do_salvage(struct push *push, const struct salvage *salvage, struct error *error)
{
    if (push->settings->dry_run) {
        for (size_t i = 0; i < salvage->count; i++)
            puts(salvage->paths[i]);
        return 0;
    }
    push->salvage = salvage;
    int result = push_to_all(push, error);
    tell_in_use(salvage);
    return result;
}

static int run_salvage(const struct settings *settings, struct error *error)
{
    struct push push = {.settings = settings};
    struct salvage salvage;
    int result = salvage_find(&salvage, error);
    if (result == 0)
        result = do_salvage(&push, &salvage, error);
    salvage_free(&salvage);
    return result;
}

/* ---- what one archive lacks ---- */

struct course {
    struct progress *progress;
    uint64_t copies, bytes;
};

static void plan(void *context, const struct wal_name *name, const char *from, const char *to)
{
    (void)context;
    printf("%s from %s to %s\n", name->text, from, to);
}

static void copied(void *context, uint64_t copies, uint64_t bytes)
{
    struct course *course = context;
    course->copies += copies;
    course->bytes += bytes;
    progress_add(course->progress, copies, bytes);
}

static void failed(void *context, const struct error *failure)
{
    (void)context;
    log_error(failure);
}

static void tick(void *context)
{
    progress_tick(((struct course *)context)->progress);
}

static int repair(const struct settings *settings, const struct archive *archives, size_t count,
                  struct error *error)
{
    char copies[HUMAN_SIZE], size[HUMAN_SIZE];
    struct course course = {.copies = 0};
    const struct repair_watch watch = {&course, settings->dry_run ? plan : NULL, copied, failed,
                                       tick};
    if (!settings->dry_run && progress_open(&course.progress, "copying", 0, 0, error))
        return -1;
    int result = archive_repair(archives, count, cli_jobs(settings), &watch, error);
    progress_close(course.progress);
    if (!settings->dry_run && (result == 0 || course.copies))
        log_plain("%s copies made, %s", human_count(course.copies, copies),
                  human_size(course.bytes, size));
    return result;
}

static int run_repair(const struct settings *settings, struct error *error)
{
    struct archive *archives;
    size_t count;
    if (cli_archives(settings, &archives, &count, error))
        return -1;
    int result = repair(settings, archives, count, error);
    free(archives);
    return result;
}

/* ---- what is asked for ---- */

static int check_options(const struct settings *settings, char **operands, struct error *error)
{
    bool own_files = settings->all || settings->repair;
    if (settings->all && settings->repair)
        return error_set(error, ERROR_USAGE, "--all and --repair exclude each other");
    if (settings->init && settings->repair)
        return error_set(error, ERROR_USAGE, "--init and --repair exclude each other");
    if (own_files && *operands)
        return error_set(error, ERROR_USAGE, "--%s finds the files by itself: %s is too much",
                         settings->all ? "all" : "repair", *operands);
    if (settings->dry_run && !own_files)
        return error_set(error, ERROR_USAGE, "--dry-run is for --all and --repair");
    return check_requirement(settings, error);
}

static int run(const struct settings *settings, char **operands, struct error *error)
{
    struct push push = {settings, operands, NULL};
    if (check_options(settings, operands, error))
        return -1;
    return settings->all      ? run_salvage(settings, error)
           : settings->repair ? run_repair(settings, error)
                              : push_to_all(&push, error);
}

static int operands_min(const struct settings *settings)
{
    return settings->init || settings->all || settings->repair ? 0 : 1;
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
