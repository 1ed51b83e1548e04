#include "run/guard.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/signals.h"
#include "run/idle.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { GRACE_MS = 3000, LOOKS_PER_TIMEOUT = 4 };

static const int passed_on[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT};

static bool is_ignored(int number)
{
    struct sigaction action;
    return sigaction(number, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

/* What the parent waits for is blocked, so that it can't slip between a look and the wait. A signal
 * that is ignored must not be: blocked, it would be kept and taken all the same. */
static sigset_t waited_for(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    for (size_t i = 0; i < sizeof passed_on / sizeof *passed_on; i++)
        if (!is_ignored(passed_on[i]))
            sigaddset(&set, passed_on[i]);
    return set;
}

static void be_child(int (*work)(void *context), void *context, pid_t parent,
                     const sigset_t *before)
{
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    sigprocmask(SIG_SETMASK, before, NULL);
    if (getppid() != parent)
        _exit(error_exit_code(ERROR_INTERRUPTED));
    int code = work(context);
    fflush(NULL);
    if (signals_caught())
        signals_die(signals_caught());
    _exit(code);
}

/* Waits at most `milliseconds` for a signal; returns its number, 0 when none came. */
static int wait_signal(const sigset_t *set, uint64_t milliseconds)
{
    struct timespec wait = {(time_t)(milliseconds / 1000), (long)(milliseconds % 1000) * 1000000};
    int number = sigtimedwait(set, NULL, &wait);
    return number > 0 ? number : 0;
}

static bool ended(pid_t child, int *status)
{
    return waitpid(child, status, WNOHANG) == child;
}

/* Sends the signal and gives the child a moment to go. */
static bool end_by(pid_t child, int number, uint64_t grace, const sigset_t *set)
{
    int status;
    uint64_t deadline = clock_now_ms() + grace;
    kill(child, number);
    for (uint64_t now = clock_now_ms(); now < deadline; now = clock_now_ms()) {
        if (ended(child, &status))
            return true;
        wait_signal(set, deadline - now);
    }
    return ended(child, &status);
}

static void end(pid_t child, int number, const sigset_t *set)
{
    if (!end_by(child, number, GRACE_MS, set))
        end_by(child, SIGKILL, GRACE_MS, set);
}

/* The signal is raised anew, for this process to take as its own: see signals_caught. */
static int stopped(int number, struct error *error)
{
    raise(number);
    return error_set(error, ERROR_INTERRUPTED, "stopped by signal %d (%s)", number,
                     strsignal(number));
}

static int result_of(int status, struct error *error)
{
    if (WIFEXITED(status))
        return WEXITSTATUS(status);
    int number = WTERMSIG(status);
    for (size_t i = 0; i < sizeof passed_on / sizeof *passed_on; i++)
        if (number == passed_on[i])
            return stopped(number, error);
    return error_set(error, ERROR_SYSTEM, "crashed with signal %d (%s)", number, strsignal(number));
}

/* Does standard output take no more for now? Whoever reads it, such as a pager, may take any time.
 */
static bool output_waits(void)
{
    struct pollfd output = {.fd = STDOUT_FILENO, .events = POLLOUT};
    return poll(&output, 1, 0) == 0;
}

static int watch(pid_t child, uint64_t timeout, const sigset_t *set, struct error *error)
{
    int status;
    struct idle idle;
    idle_start(&idle, child);
    while (!ended(child, &status)) {
        int number = wait_signal(set, timeout / LOOKS_PER_TIMEOUT + 1);
        if (number && number != SIGCHLD) {
            end(child, number, set);
            return stopped(number, error);
        }
        if (output_waits())
            idle_start(&idle, child);
        uint64_t silence = idle_look(&idle, child);
        if (silence >= timeout) {
            end(child, SIGKILL, set);
            return error_set(error, ERROR_UNREACHABLE,
                             "the archive has not answered for %.1f seconds",
                             (double)silence / 1000);
        }
    }
    return result_of(status, error);
}

int guard_run(int (*work)(void *context), void *context, uint64_t timeout, struct error *error)
{
    sigset_t set = waited_for(), before;
    pid_t parent = getpid();
    sigprocmask(SIG_BLOCK, &set, &before);
    pid_t child = fork();
    if (child == 0)
        be_child(work, context, parent, &before);
    int result = child < 0 ? error_set_errno(error, ERROR_SYSTEM, "can't start a process")
                           : watch(child, timeout, &set, error);
    sigprocmask(SIG_SETMASK, &before, NULL);
    return result;
}
