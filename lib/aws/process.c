#include "aws/process.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/secret.h"
#include "base/signals.h"
#include "aws/grant.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    OUTPUT_MAX = 64 * 1024,
    LOOK_MS = 200, /* how long a signal may have to wait to be seen */
    END_MS = 5,    /* between looks whether it has ended, when it has closed its output */
    SHELL_CANT_RUN = 126,
    SHELL_CANT_FIND = 127,
};

/* ---- the child ---- */

/* Between fork and exec nothing else is safe: there may have been other threads. It gets a process
 * group of its own, so that all it starts can be killed; and the signals that PostgreSQL or we
 * ignore are as a shell expects them. */
static void be_child(const char *command, int output, pid_t parent)
{
    static const int ignored[] = {SIGPIPE, SIGXFSZ, SIGINT, SIGHUP, SIGQUIT, SIGALRM};
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++)
        signal(ignored[i], SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    int input = open("/dev/null", O_RDONLY);
    if (getppid() == parent && input >= 0 && dup2(input, STDIN_FILENO) >= 0 &&
        dup2(output, STDOUT_FILENO) >= 0)
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
    _exit(SHELL_CANT_FIND);
}

static pid_t start(const char *command, int *output, struct error *error)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC))
        return error_set_errno(error, ERROR_SYSTEM, "can't make a pipe");
    pid_t parent = getpid(), child = fork();
    if (child == 0)
        be_child(command, ends[1], parent);
    if (child < 0)
        error_set_errno(error, ERROR_SYSTEM, "can't start a process");
    else
        setpgid(child, child); /* whoever comes first */
    close(ends[1]);
    *output = ends[0];
    if (child < 0)
        close(ends[0]);
    return child;
}

/* ---- watching it ---- */

static int check_time(uint64_t deadline, struct error *error)
{
    if (signals_check(error))
        return -1;
    if (clock_now_ms() >= deadline)
        return error_set(error, ERROR_UNREACHABLE, "it has not ended in time");
    return 0;
}

static int read_output(int fd, uint64_t deadline, struct buf *text, struct error *error)
{
    if (buf_reserve(text, OUTPUT_MAX, error))
        return -1;
    while (check_time(deadline, error) == 0) {
        struct pollfd ready = {.fd = fd, .events = POLLIN};
        if (poll(&ready, 1, LOOK_MS) <= 0)
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

/* Without waiting for SIGCHLD, which is not ours. */
static int wait_end(pid_t child, uint64_t deadline, int *status, struct error *error)
{
    while (waitpid(child, status, WNOHANG) != child) {
        if (check_time(deadline, error))
            return -1;
        clock_sleep_ms(END_MS);
    }
    return 0;
}

static void kill_all(pid_t child)
{
    int status;
    kill(-child, SIGKILL);
    kill(child, SIGKILL); /* before it has its group */
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
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
        result = wait_end(child, deadline, &status, error);
    close(output);
    if (result) {
        kill_all(child);
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
