#include "base/process.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/signals.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { END_MS = 5 /* between looks whether it has ended, where a kernel can't tell */ };

/* ---- the child: between fork and exec only what is safe when there have been other threads ----
 */

/* Descriptors above the standard ones, so that none is overwritten before it is used. */
static int above_standard(int fd)
{
    int from = fd == PROCESS_NOTHING ? open("/dev/null", O_RDWR) : fd;
    return from < 0 ? -1 : fcntl(from, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
}

static bool set_descriptors(const struct process_command *command)
{
    int input = above_standard(command->input), output = above_standard(command->output),
        errors = above_standard(command->errors);
    return input >= 0 && output >= 0 && errors >= 0 && dup2(input, STDIN_FILENO) >= 0 &&
           dup2(output, STDOUT_FILENO) >= 0 && dup2(errors, STDERR_FILENO) >= 0;
}

static void reset_signals(void)
{
    static const int ignored[] = {SIGPIPE, SIGXFSZ, SIGINT, SIGHUP, SIGQUIT, SIGALRM};
    sigset_t none;
    for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++)
        signal(ignored[i], SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static void be_child(const struct process_command *command, int report, pid_t parent)
{
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    reset_signals();
    if (getppid() == parent && set_descriptors(command) &&
        (!command->directory || chdir(command->directory) == 0)) {
        char *const *arguments = (char *const *)command->arguments;
        if (command->environment)
            execvpe(arguments[0], arguments, (char *const *)command->environment);
        else
            execvp(arguments[0], arguments);
    }
    int number = errno;
    while (write(report, &number, sizeof number) < 0 && errno == EINTR)
        ;
    _exit(1);
}

/* ---- the parent ---- */

/* The pipe closes without a word when the program has begun. */
static int check_begun(int report, const char *program, struct error *error)
{
    int number;
    ssize_t n;
    while ((n = read(report, &number, sizeof number)) < 0 && errno == EINTR)
        ;
    if (n != sizeof number)
        return 0;
    errno = number;
    enum error_class class = number == ENOENT || number == EACCES ? ERROR_USAGE : ERROR_SYSTEM;
    return error_set_errno(error, class, "can't run %s", program);
}

pid_t process_start(const struct process_command *command, struct error *error)
{
    int report[2];
    if (pipe2(report, O_CLOEXEC))
        return error_set_errno(error, ERROR_SYSTEM, "can't make a pipe");
    pid_t parent = getpid(), child = fork();
    if (child == 0)
        be_child(command, report[1], parent);
    if (child > 0)
        setpgid(child, child); /* whoever comes first */
    close(report[1]);
    if (child < 0)
        error_set_errno(error, ERROR_SYSTEM, "can't start a process");
    else if (check_begun(report[0], command->arguments[0], error)) {
        process_kill(child);
        child = -1;
    }
    close(report[0]);
    return child;
}

int process_check_time(uint64_t deadline, struct error *error)
{
    if (signals_check(error))
        return -1;
    if (clock_now_ms() >= deadline)
        return error_set(error, ERROR_UNREACHABLE, "it has not ended in time");
    return 0;
}

static void wait_moment(int handle)
{
    struct pollfd ended = {.fd = handle, .events = POLLIN};
    if (handle >= 0)
        poll(&ended, 1, PROCESS_LOOK_MS);
    else
        clock_sleep_ms(END_MS);
}

/* Without waiting for SIGCHLD, which is not ours. */
int process_wait(pid_t child, uint64_t deadline, int *status, struct error *error)
{
    int result = 0, handle = (int)syscall(SYS_pidfd_open, child, 0);
    while (result == 0 && waitpid(child, status, WNOHANG) != child) {
        result = process_check_time(deadline, error);
        if (result == 0)
            wait_moment(handle);
    }
    if (handle >= 0)
        close(handle);
    return result;
}

void process_kill(pid_t child)
{
    int status;
    kill(-child, SIGKILL);
    kill(child, SIGKILL); /* before it has its group */
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
}
