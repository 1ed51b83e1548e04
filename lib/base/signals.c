#include "base/signals.h"
#include "base/error.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

static volatile sig_atomic_t caught;

static void remember(int number)
{
    caught = number;
}

static void handle(int number, void (*handler)(int))
{
    struct sigaction action = {.sa_handler = handler};
    sigemptyset(&action.sa_mask);
    sigaction(number, &action, NULL);
}

static void handle_unless_ignored(int number)
{
    struct sigaction before;
    if (sigaction(number, NULL, &before) == 0 && before.sa_handler != SIG_IGN)
        handle(number, remember);
}

void signals_setup(void)
{
    handle(SIGTERM, remember);
    handle_unless_ignored(SIGINT);
    handle_unless_ignored(SIGHUP);
    handle_unless_ignored(SIGQUIT);
    handle(SIGPIPE, SIG_IGN);
    handle(SIGXFSZ, SIG_IGN);
    handle(SIGALRM, SIG_DFL);
    handle(SIGCHLD, SIG_DFL);

    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

int signals_caught(void)
{
    return caught;
}

int signals_check(struct error *error)
{
    if (!caught)
        return 0;
    return error_set(error, ERROR_INTERRUPTED, "stopped by signal %d (%s)", (int)caught,
                     strsignal(caught));
}

void signals_die(int number)
{
    handle(number, SIG_DFL);
    raise(number);
    _exit(128 + number);
}
