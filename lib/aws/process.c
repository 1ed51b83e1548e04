#include "aws/process.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/process.h"
#include "base/secret.h"
#include "aws/grant.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    OUTPUT_MAX = 64 * 1024,
    SHELL_CANT_RUN = 126,
    SHELL_CANT_FIND = 127,
};

static pid_t start(const char *command, int *output, struct error *error)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC))
        return error_set_errno(error, ERROR_SYSTEM, "can't make a pipe");
    const char *const arguments[] = {"/bin/sh", "-c", command, NULL};
    pid_t child = process_start(&(struct process_command){.arguments = arguments,
                                                          .input = PROCESS_NOTHING,
                                                          .output = ends[1],
                                                          .errors = STDERR_FILENO},
                                error);
    close(ends[1]);
    *output = ends[0];
    if (child < 0)
        close(ends[0]);
    return child;
}

/* ---- watching it ---- */

static int read_output(int fd, uint64_t deadline, struct buf *text, struct error *error)
{
    if (buf_reserve(text, OUTPUT_MAX, error))
        return -1;
    while (process_check_time(deadline, error) == 0) {
        struct pollfd ready = {.fd = fd, .events = POLLIN};
        if (poll(&ready, 1, PROCESS_LOOK_MS) <= 0)
            continue;
        ssize_t n = read(fd, text->data + text->length, OUTPUT_MAX - text->length);
        if (n < 0 && errno != EINTR)
            return error_set_errno(error, ERROR_SYSTEM, "can't read what it prints");
        if (n > 0)
            text->length += (size_t)n;
        if (text->length == OUTPUT_MAX)
            return error_set(error, ERROR_USAGE, "it prints too much");
        if (n == 0)
            return 0;
    }
    return -1;
}

static int check_status(int status, struct error *error)
{
    if (WIFSIGNALED(status))
        return error_set(error, ERROR_UNREACHABLE, "it was ended by signal %d", WTERMSIG(status));
    int code = WEXITSTATUS(status);
    if (code == SHELL_CANT_RUN || code == SHELL_CANT_FIND)
        return error_set(error, ERROR_USAGE, "it can't be run");
    if (code)
        return error_set(error, ERROR_UNREACHABLE, "it failed with exit code %d", code);
    return 0;
}

static int run(const char *command, uint64_t timeout, struct buf *text, struct error *error)
{
    int output = -1, status = 0;
    uint64_t deadline = clock_now_ms() + timeout;
    pid_t child = start(command, &output, error);
    if (child < 0)
        return -1;
    int result = read_output(output, deadline, text, error);
    if (result == 0)
        result = process_wait(child, deadline, &status, error);
    close(output);
    if (result) {
        process_kill(child);
        return -1;
    }
    return check_status(status, error);
}

static int take_keys(const struct buf *text, struct aws_grant *grant, struct error *error)
{
    static const struct aws_grant_form form = {"SessionToken", "Version", "1"};
    if (aws_grant_read(text->data, text->length, &form, grant, error) == 0)
        return 0;
    if (error->class == ERROR_UNREACHABLE)
        error->class = ERROR_USAGE;
    return error_prefix(error, "what it prints can't be used: ");
}

int aws_process_run(const char *command, uint64_t timeout, struct aws_grant *grant,
                    struct error *error)
{
    struct buf text = {0};
    int result = run(command, timeout, &text, error);
    if (result == 0)
        result = take_keys(&text, grant, error);
    secret_buf_free(&text);
    return result;
}
