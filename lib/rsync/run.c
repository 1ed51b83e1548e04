#include "rsync/run.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/process.h"
#include "rsync/failure.h"
#include "rsync/shell.h"
#include "rsync/ssh.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum {
    TOLD_MAX = 64 * 1024,
    LINE_MAX_BYTES = 64 * 1024,
    SIGNAL_CODE = 128,  /* as a shell tells of a program that a signal has ended */
    CANT_ASK_LESS = 512 /* bytes a second: less is no limit for rsync */
};

/* ---- what every run has ---- */

/* rsync splits the text at blanks; a quote within quotes is doubled. */
static int add_word(struct buf *text, const char *word, struct error *error)
{
    if (buf_append(text, "\"", 1, error))
        return -1;
    for (; *word; word++)
        if (buf_append(text, word, 1, error) || (*word == '"' && buf_append(text, "\"", 1, error)))
            return -1;
    return buf_append(text, "\" ", 2, error);
}

static void add_shell(const struct rsync_storage *rsync, struct arguments *arguments)
{
    struct arguments ssh = {.list = NULL};
    struct buf text = {0};
    struct error ignored;
    ssh_add(rsync, &ssh);
    bool failed = ssh.failed;
    for (size_t i = 0; i < ssh.count && !failed; i++)
        failed = add_word(&text, ssh.list[i], &ignored) != 0;
    arguments->failed = arguments->failed || failed;
    arguments_add(arguments, "-e");
    arguments_add(arguments, "%s", text.data ? text.data : "");
    arguments_free(&ssh);
    buf_free(&text);
}

/* Less than the guard's patience, so that rsync's own words are heard. */
static uint64_t silence(const struct rsync_storage *rsync)
{
    uint64_t milliseconds = rsync->options.timeout / 4 * 3;
    return milliseconds < 1000 ? 1 : milliseconds / 1000;
}

static void add_daemon(const struct rsync_storage *rsync, struct arguments *arguments)
{
    uint64_t wait = silence(rsync) / 2;
    arguments_add(arguments, "--contimeout=%" PRIu64, wait ? wait : 1);
    arguments_add(arguments, "--sockopts=TCP_NODELAY"); /* 22 ms instead of 150 for 5 MiB */
    arguments_add(arguments, "--no-motd");
    if (rsync->options.rsync.password_file)
        arguments_add(arguments, "--password-file=%s", rsync->options.rsync.password_file);
}

/* A path that is not plain goes by the protocol, past every shell. */
static bool is_plain(const char *path)
{
    return path[strspn(path, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                             "/._-:@[]")] == '\0';
}

static void begin(const struct rsync_storage *rsync, struct arguments *arguments)
{
    uint64_t rate = rsync->options.limit_rate;
    arguments_add(arguments, "%s", rsync->options.rsync.program);
    arguments_add(arguments, "--timeout=%" PRIu64, silence(rsync));
    if (rate)
        arguments_add(arguments, "--bwlimit=%" PRIu64 "B",
                      rate < CANT_ASK_LESS ? CANT_ASK_LESS : rate);
    if (rsync->place.daemon)
        add_daemon(rsync, arguments);
    else
        add_shell(rsync, arguments);
}

void rsync_begin_script(const struct rsync_storage *rsync, struct arguments *arguments,
                        const char *script)
{
    begin(rsync, arguments);
    arguments_add(arguments, "--rsync-path=%s", script);
}

int rsync_begin(const struct rsync_storage *rsync, struct arguments *arguments, struct error *error)
{
    const char *program = rsync->options.rsync.remote_program;
    struct buf script = {0};
    if (!rsync_has_shell(rsync)) {
        begin(rsync, arguments);
        return 0;
    }
    int result = shell_rsync(&script, rsync->place.directory, program, error);
    if (result == 0)
        rsync_begin_script(rsync, arguments, script.data);
    buf_free(&script);
    return result;
}

void rsync_add_path(const struct rsync_storage *rsync, struct arguments *arguments,
                    const char *path)
{
    const char *base = rsync->place.base;
    if (rsync_has_shell(rsync)) /* the script has entered the archive */
        arguments_add(arguments, "%.*s./%s", (int)(strchr(base, '/') - base), base, path);
    else
        arguments_add(arguments, "%s%s", base, path);
    if (!is_plain(base) || !is_plain(path))
        arguments_add(arguments, "-s");
}

/* ---- its surroundings ---- */

/* rsync's own variables could change what a run does; those that say how a daemon is reached stay.
 * Messages are wanted in the C locale, times of a list in UTC. Without a password there is an empty
 * one, or rsync asks. */
static bool is_wanted(const char *variable)
{
    static const char *const kept[] = {"RSYNC_PROXY=", "RSYNC_CONNECT_PROG="};
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        if (strncmp(variable, kept[i], strlen(kept[i])) == 0)
            return true;
    return strncmp(variable, "RSYNC_", 6) != 0 && strncmp(variable, "LC_ALL=", 7) != 0 &&
           strncmp(variable, "TZ=", 3) != 0;
}

static void make_environment(const struct rsync_storage *rsync, struct arguments *environment)
{
    const char *password = rsync->options.rsync.password;
    if (!password)
        password = getenv("RSYNC_PASSWORD");
    for (char **variable = environ; *variable; variable++)
        if (is_wanted(*variable))
            arguments_add(environment, "%s", *variable);
    arguments_add(environment, "LC_ALL=C");
    arguments_add(environment, "TZ=UTC0");
    if (rsync->place.daemon)
        arguments_add(environment, "RSYNC_PASSWORD=%s", password ? password : "");
}

/* ---- the run ---- */

static int memory_file(const struct buf *content, struct error *error)
{
    int fd = memfd_create("waltools", MFD_CLOEXEC);
    if (fd < 0)
        return error_set_errno(error, ERROR_SYSTEM, "can't make a file in memory");
    size_t length = content ? content->length : 0;
    if (length && (write(fd, content->data, length) != (ssize_t)length || lseek(fd, 0, SEEK_SET))) {
        error_set_errno(error, ERROR_SYSTEM, "can't write to memory");
        close(fd);
        return -1;
    }
    return fd;
}

/* A connection that stays behind for others keeps standard error: as a file it keeps nobody
 * waiting. */
static int start(struct rsync_storage *rsync, const struct arguments *arguments,
                 struct rsync_process *run, struct error *error)
{
    int ends[2];
    struct arguments environment = {.list = NULL};
    run->errors = memory_file(NULL, error);
    if (run->errors < 0)
        return -1;
    if (pipe2(ends, O_CLOEXEC))
        return error_set_errno(error, ERROR_SYSTEM, "can't make a pipe");
    run->output = ends[0];
    make_environment(rsync, &environment);
    if (arguments_check(arguments, error) == 0 && arguments_check(&environment, error) == 0)
        run->child = process_start(
            &(struct process_command){.arguments = (const char *const *)arguments->list,
                                      .environment = (const char *const *)environment.list,
                                      .directory = "/",
                                      .input = run->input,
                                      .output = ends[1],
                                      .errors = run->errors},
            error);
    close(ends[1]);
    for (size_t i = 0; i < environment.count; i++)
        explicit_bzero(environment.list[i], strlen(environment.list[i]));
    arguments_free(&environment);
    return run->child > 0 ? 0 : -1;
}

/* What becomes of a run after some of its output. */
enum { RUN_ENDS = 0, RUN_GOES_ON = 1, RUN_IS_DONE = 2 };

/* Gives away whole lines; a carriage return, as of progress, ends one too. */
static int give_lines(struct buf *text, const struct rsync_talk *talk, struct error *error)
{
    char *line = text->data;
    for (char *end; (end = line + strcspn(line, "\r\n")) < text->data + text->length;
         line = end + 1) {
        *end = '\0';
        int verdict = talk->line && *line ? talk->line(talk->context, line, error) : 0;
        if (verdict)
            return verdict < 0 ? -1 : RUN_IS_DONE;
    }
    text->length -= (size_t)(line - text->data);
    memmove(text->data, line, text->length + 1);
    return RUN_GOES_ON;
}

static int read_some(int fd, struct buf *text, struct error *error)
{
    enum { PORTION = 32 * 1024 };
    if (text->length > LINE_MAX_BYTES)
        return error_set(error, ERROR_UNREACHABLE, "rsync prints a line without end");
    if (buf_reserve(text, PORTION, error))
        return -1;
    ssize_t n = read(fd, text->data + text->length, PORTION);
    if (n < 0 && errno != EINTR && errno != EAGAIN)
        return error_set_errno(error, ERROR_SYSTEM, "can't read what rsync prints");
    if (n > 0) {
        for (char *c = text->data + text->length; c < text->data + text->length + n; c++)
            if (!*c)
                *c = '?';
        text->length += (size_t)n;
        text->data[text->length] = '\0';
    }
    return n == 0 ? RUN_ENDS : RUN_GOES_ON;
}

static int read_output(int fd, const struct rsync_talk *talk, struct error *error)
{
    struct buf text = {0};
    int result = RUN_GOES_ON;
    while (result == RUN_GOES_ON) {
        struct pollfd ready = {.fd = fd, .events = POLLIN};
        if (process_check_time(UINT64_MAX, error))
            result = -1;
        else if (poll(&ready, 1, -1) > 0)
            result = read_some(fd, &text, error);
        if (result == RUN_GOES_ON && text.length)
            result = give_lines(&text, talk, error);
    }
    buf_free(&text);
    return result;
}

static int read_told(int fd, struct buf *told, struct error *error)
{
    if (buf_reserve(told, TOLD_MAX, error))
        return -1;
    ssize_t n = pread(fd, told->data, TOLD_MAX, 0);
    told->length = n > 0 ? (size_t)n : 0;
    told->data[told->length] = '\0';
    return 0;
}

static int judge(struct rsync_storage *rsync, int status, int errors, struct error *error)
{
    struct buf told = {0};
    rsync->code = WIFEXITED(status) ? WEXITSTATUS(status) : SIGNAL_CODE + WTERMSIG(status);
    if (rsync->code == 0)
        return 0;
    if (read_told(errors, &told, error) == 0) {
        rsync->fsync_refused = rsync_knows_not(told.data, "fsync");
        rsync_fail(&rsync->place, rsync->code, told.data, error);
    }
    buf_free(&told);
    return -1;
}

static void close_all(const struct rsync_process *run)
{
    const int fds[] = {run->input, run->output, run->errors};
    for (size_t i = 0; i < sizeof fds / sizeof *fds; i++)
        if (fds[i] >= 0)
            close(fds[i]);
}

void rsync_finish(struct rsync_storage *rsync)
{
    struct rsync_process *run = &rsync->lingering;
    struct error ignored;
    int status;
    if (run->child <= 0)
        return;
    if (process_wait(run->child, clock_now_ms() + silence(rsync) * 1000, &status, &ignored))
        process_kill(run->child);
    close_all(run);
    run->child = 0;
}

static int watch(struct rsync_storage *rsync, struct rsync_process *run,
                 const struct rsync_talk *talk, struct error *error)
{
    int status, result = read_output(run->output, talk, error);
    if (result == RUN_IS_DONE) {
        rsync_finish(rsync);
        rsync->lingering = *run;
        *run = (struct rsync_process){0, -1, -1, -1};
        return 0;
    }
    if (result < 0 || process_wait(run->child, UINT64_MAX, &status, error)) {
        process_kill(run->child);
        return -1;
    }
    return judge(rsync, status, run->errors, error);
}

int rsync_run(struct rsync_storage *rsync, const struct arguments *arguments,
              const struct rsync_talk *talk, struct error *error)
{
    struct rsync_process run = {-1, PROCESS_NOTHING, -1, -1};
    rsync->code = -1;
    if (talk->input && (run.input = memory_file(talk->input, error)) < 0)
        return -1;
    int result = start(rsync, arguments, &run, error);
    if (result == 0)
        result = watch(rsync, &run, talk, error);
    close_all(&run);
    return result;
}

/* ---- a run that is begun early ---- */

void rsync_open_early(struct rsync_storage *rsync, const struct arguments *arguments,
                      const void *owner)
{
    struct rsync_process run = {-1, -1, -1, -1};
    struct error ignored;
    int names[2];
    rsync_drop_early(rsync);
    if (pipe2(names, O_CLOEXEC))
        return;
    run.input = names[0];
    int result = start(rsync, arguments, &run, &ignored);
    close(names[0]);
    run.input = -1;
    if (result == 0) {
        rsync->early = (struct rsync_early){run, names[1], clock_now_ms(), owner};
        return;
    }
    close(names[1]);
    close_all(&run);
}

bool rsync_is_early(const struct rsync_storage *rsync, const void *owner)
{
    return rsync->early.owner == owner &&
           clock_now_ms() - rsync->early.since < silence(rsync) * 1000 / 2;
}

int rsync_run_early(struct rsync_storage *rsync, const char *name, struct error *error)
{
    struct rsync_early early = rsync->early;
    rsync->early.owner = NULL;
    rsync->code = -1;
    /* One that has ended by now can't be written to, and tells why when it is waited for. */
    ssize_t ignored = write(early.names, name, strlen(name));
    (void)ignored;
    close(early.names);
    int result = watch(rsync, &early.run, &(struct rsync_talk){0}, error);
    close_all(&early.run);
    return result;
}

void rsync_drop_early(struct rsync_storage *rsync)
{
    if (!rsync->early.owner)
        return;
    rsync->early.owner = NULL;
    process_kill(rsync->early.run.child);
    close(rsync->early.names);
    close_all(&rsync->early.run);
}
