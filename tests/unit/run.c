/* The guard ends what hangs and passes on what happens; retrying is bounded. */
#include "base/clock.h"
#include "base/error.h"
#include "base/signals.h"
#include "run/guard.h"
#include "run/retry.h"
#include "tap.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static int return_seven(void *context)
{
    (void)context;
    return 7;
}

/* Blocks in a way that no time-out of its own ends. */
static int hang(void *context)
{
    int *fds = context;
    char c;
    for (;;)
        if (read(fds[0], &c, 1) >= 0)
            return 1;
}

/* Uses the processor for longer than the guard's time-out, without ever sleeping for as long. */
static int work_long(void *context)
{
    (void)context;
    for (uint64_t end = clock_now_ms() + 700; clock_now_ms() < end;)
        ;
    return 3;
}

static int crash(void *context)
{
    (void)context;
    signal(SIGSEGV, SIG_DFL);
    raise(SIGSEGV);
    return 0;
}

static int terminate_parent(void *context)
{
    kill(getppid(), SIGTERM);
    return hang(context);
}

static void test_guard(int *pipe_ends)
{
    struct error error;
    is_int(guard_run(return_seven, NULL, 1000, &error), 7, "the exit code comes through");
    is_int(guard_run(work_long, NULL, 200, &error), 3, "what works is not ended");

    uint64_t start = clock_now_ms();
    is_int(guard_run(hang, pipe_ends, 200, &error), -1, "what hangs is ended");
    is_int(error.class, ERROR_UNREACHABLE, "as unreachable: %s", error.message);
    ok(clock_now_ms() - start < 5000, "in time");

    is_int(guard_run(crash, NULL, 1000, &error), -1, "a crash is noticed");
    is_int(error.class, ERROR_SYSTEM, "as a failure of the system: %s", error.message);

    is_int(guard_run(terminate_parent, pipe_ends, 60000, &error), -1, "a signal ends the child");
    is_int(error.class, ERROR_INTERRUPTED, "as interrupted");
    is_int(signals_caught(), SIGTERM, "and is known afterwards");
    is_int(waitpid(-1, NULL, WNOHANG), -1, "no child is left");
}

static void test_retry(void)
{
    struct retry retry;
    retry_start(&retry, 0);
    ok(!retry_again(&retry, ERROR_UNREACHABLE), "without a budget there is one attempt");
    retry_start(&retry, 300);
    uint64_t start = clock_now_ms();
    int attempts = 0;
    while (retry_again(&retry, ERROR_UNREACHABLE))
        attempts++;
    ok(attempts >= 2 && attempts <= 10, "several attempts: %d", attempts);
    ok(clock_now_ms() - start < 2000, "and an end");
    static const enum error_class hopeless[] = {ERROR_MISSING, ERROR_USAGE, ERROR_REFUSED,
                                                ERROR_EXISTS, ERROR_INTERRUPTED};
    for (size_t i = 0; i < sizeof hopeless / sizeof *hopeless; i++) {
        retry_start(&retry, 60000);
        ok(!retry_again(&retry, hopeless[i]), "class %d is not tried again", hopeless[i]);
    }
}

int main(void)
{
    int pipe_ends[2];
    signals_setup();
    if (pipe(pipe_ends))
        return 1;
    test_retry();
    test_guard(pipe_ends);
    return done_testing();
}
