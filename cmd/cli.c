#include "cli.h"
#include "several/several.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/signals.h"
#include "report/output.h"
#include "run/guard.h"
#include "storage/storage.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* What is to be done; the guarded child is given it. */
struct job {
    const struct cli *cli;
    struct settings *settings;
    char **operands; /* behind ARCHIVE; NULL until the command line is known to be right */
};

static int fail(const struct job *job, const struct error *error)
{
    const struct cli *cli = job->cli;
    if (error->class == ERROR_INTERRUPTED && signals_caught())
        signals_die(signals_caught());
    if (error->class == ERROR_INTERRUPTED && job->operands)
        return error_exit_code(error->class); /* nobody reads: see output_finish */
    if (cli->report)
        cli->report(job->settings, error);
    else
        log_error(error);
    return cli->exit_code ? cli->exit_code(job->settings, job->operands, error->class)
                          : error_exit_code(error->class);
}

static int work(void *context)
{
    const struct job *job = context;
    struct error error;
    int code = job->cli->run(job->settings, job->operands, &error);
    if (code < 0 || output_finish(stdout, &error))
        return fail(job, &error);
    return code;
}

static int check_operands(const struct cli *cli, const struct settings *settings, int count,
                          struct error *error)
{
    int needed = cli->operands_min ? cli->operands_min(settings) : 0;
    if (count >= needed && (cli->operands_max < 0 || count <= cli->operands_max))
        return 0;
    return error_set(error, ERROR_USAGE, "%s; usage: %s [options] ARCHIVE%s%s",
                     count < needed ? "an argument is missing" : "too many arguments", cli->name,
                     *cli->operands ? " " : "", cli->operands);
}

static struct storage_options storage_options(const struct settings *settings)
{
    return (struct storage_options){
        .timeout = settings->timeout,
        .limit_rate = settings->limit_rate,
        .retries = settings->retries,
        .s3 =
            {
                .endpoint = settings->s3_endpoint,
                .region = settings->s3_region,
                .addressing = settings->s3_addressing,
                .ca_file = settings->s3_ca_file,
                .profile = settings->s3_profile,
                .access_key = settings->s3_access_key,
                .secret_key = settings->s3_secret_key,
                .storage_class = settings->s3_storage_class,
                .encryption = settings->s3_encryption,
                .kms_key = settings->s3_kms_key,
                .customer_key_file = settings->s3_customer_key_file,
                .tags = settings->s3_tags,
                .requester_pays = settings->s3_requester_pays != 0,
                .plain_http = settings->s3_plain_http != 0,
                .part_size = settings->s3_part_size,
            },
        .rsync =
            {
                .program = settings->rsync_program,
                .remote_program = settings->rsync_remote_program,
                .rsh = settings->rsync_rsh,
                .ssh_port = settings->ssh_port,
                .ssh_identity = settings->ssh_identity,
                .ssh_sharing = settings->ssh_sharing != 0,
                .shell = settings->rsync_shell != 0,
                .password_file = settings->rsync_password_file,
                .password = settings->rsync_password,
                .read_back = settings->rsync_read_back != 0,
            },
    };
}

static int fill_archive(const struct settings *settings, struct archive *archive,
                        struct error *error)
{
    *archive = (struct archive){.operand = settings->operand,
                                .location = settings->archive,
                                .options = storage_options(settings),
                                .cache = settings->cache};
    return codec_choice_parse(settings->compress, &archive->coding, error);
}

int cli_archive(const struct settings *settings, struct archive *archive, struct error *error)
{
    if (settings_archive_count(settings) == 1)
        return fill_archive(settings, archive, error);
    return error_set(error, ERROR_USAGE, "section [%s] names several archives: name one of them",
                     settings->operand);
}

int cli_archives(const struct settings *settings, struct archive **archives, size_t *count,
                 struct error *error)
{
    *count = settings_archive_count(settings);
    *archives = calloc(*count, sizeof **archives);
    if (!*archives)
        return error_memory(error);
    int result = 0;
    for (size_t i = 0; i < *count && result == 0; i++)
        result = fill_archive(settings_archive(settings, i), &(*archives)[i], error);
    if (result == 0)
        result = several_check_places(*archives, *count, error);
    if (result) {
        free(*archives);
        *archives = NULL;
    }
    return result;
}

size_t cli_jobs(const struct settings *settings)
{
    enum { JOBS_USUAL = 4 };
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    if (settings->jobs)
        return (size_t)settings->jobs;
    return processors < 1 ? 1 : processors < JOBS_USUAL ? (size_t)processors : JOBS_USUAL;
}

int cli_each(const struct settings *settings, enum cli_order order,
             int (*run)(void *context, struct archive *archive, struct error *error), void *context,
             struct error *error)
{
    struct archive *archives;
    size_t count;
    if (cli_archives(settings, &archives, &count, error))
        return -1;
    const struct several_work work = {run, context, order == CLI_IN_TURN ? 1 : count};
    struct error *failures = calloc(count, sizeof *failures);
    int result = !failures    ? error_memory(error)
                 : count == 1 ? run(context, archives, error)
                              : several_run(archives, count, &work, failures, error);
    if (result == 0 && count > 1)
        result = cli_report(failures, count, error);
    free(failures);
    free(archives);
    return result;
}

int cli_report(const struct error *failures, size_t count, struct error *error)
{
    size_t worst = several_worst(failures, count);
    if (worst == count)
        return 0;
    for (size_t i = 0; i < count; i++)
        if (i != worst && failures[i].class != ERROR_NONE)
            log_error(&failures[i]);
    *error = failures[worst];
    return -1;
}

static void show_help(const struct cli *cli)
{
    printf("Usage: %s [options] ARCHIVE%s%s\n%s\n\nOptions:\n", cli->name,
           *cli->operands ? " " : "", cli->operands, cli->summary);
    settings_help(cli->command, stdout);
    printf("\nARCHIVE is a directory (/path, ./path or file:///path), user@host:/path,\n"
           "rsync://host/module, s3://bucket/prefix, or a section of waltools.conf. See %s(1).\n",
           cli->name);
}

static int inform(const struct cli *cli, const struct settings *settings, struct error *error)
{
    if (settings->version)
        printf("%s (waltools) " WALTOOLS_VERSION "\n", cli->name);
    else
        show_help(cli);
    return output_finish(stdout, error);
}

static bool needs_secrets(const struct settings *settings)
{
    for (size_t i = 0; i < settings_archive_count(settings); i++)
        if (storage_needs_secrets(settings_archive(settings, i)->archive))
            return true;
    return false;
}

static int run(struct job *job, int argc, char **argv, struct error *error)
{
    const struct cli *cli = job->cli;
    struct settings *settings = job->settings;
    int first = argc;
    if (settings_load(settings, cli->command, argc, argv, &first, error))
        return -1;
    if (settings->help || settings->version)
        return inform(cli, settings, error);
    if (check_operands(cli, settings, argc - first, error))
        return -1;
    if (needs_secrets(settings))
        secret_forbid_dumps();
    log_open(cli->name, settings->verbose ? LOG_LEVEL_INFO : LOG_LEVEL_WARNING);
    job->operands = argv + first;
    uint64_t deadline = cli->deadline ? cli->deadline(settings, job->operands) : settings->timeout;
    int code = guard_run(work, job, deadline, error);
    return code < 0 ? error_prefix(
                          error, "%s: ", settings->archive ? settings->archive : settings->operand)
                    : code;
}

/* A program started without them must not open an archive's file under the number of standard
 * error. Opened the wrong way round, so that using them fails. */
static void reserve_standard_descriptors(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0)
            open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

int cli_main(const struct cli *cli, int argc, char **argv)
{
    struct settings settings;
    struct job job = {cli, &settings, NULL};
    struct error error;
    reserve_standard_descriptors();
    log_open(cli->name, LOG_LEVEL_WARNING);
    signals_setup();
    int code = run(&job, argc, argv, &error);
    if (code < 0)
        code = fail(&job, &error);
    settings_free(&settings);
    return code;
}
