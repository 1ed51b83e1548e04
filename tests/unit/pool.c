/* Work by several processes: one that hangs, crashes or fails does not take the others along. */
#include "base/clock.h"
#include "base/error.h"
#include "base/signals.h"
#include "run/pool.h"
#include "tap.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { JOBS_MAX = 64, LARGE = 3 << 20 };

/* What came back. */
struct seen {
    char results[JOBS_MAX][ERROR_MESSAGE_SIZE];
    enum error_class classes[JOBS_MAX];
    size_t count;
    pid_t parent;
    int ticks;
    int fail_at; /* `done` fails when so many have come; 0: never */
    int jobs;    /* in a worker: how many it has had */
};

static void hang(void)
{
    int ends[2];
    char c;
    if (pipe(ends) == 0)
        while (read(ends[0], &c, 1) < 0 && !signals_caught())
            ;
}

static void hang_for_good(void)
{
    for (;;) {
        signal(SIGTERM, SIG_IGN);
        pause();
    }
}

/* More than a socket holds. */
static int fill(struct buf *result, struct error *error)
{
    if (buf_reserve(result, LARGE, error))
        return -1;
    memset(result->data, 'x', LARGE);
    result->length = LARGE;
    return 0;
}

static int run(void *context, const char *job, struct buf *result, struct error *error)
{
    struct seen *seen = context;
    seen->jobs++;
    if (strcmp(job, "hang") == 0)
        hang();
    else if (strcmp(job, "hang for good") == 0)
        hang_for_good();
    else if (strcmp(job, "crash") == 0)
        raise(SIGKILL);
    else if (strcmp(job, "exit") == 0)
        _exit(0);
    else if (strcmp(job, "fail") == 0)
        return error_set(error, ERROR_REFUSED, "it would not");
    else if (strcmp(job, "large") == 0)
        return fill(result, error);
    return buf_printf(result, error, "%s by %s %d", job,
                      getpid() == seen->parent ? "the parent" : "worker", seen->jobs);
}

static int done(void *context, const char *job, const struct buf *result,
                const struct error *failure, struct error *error)
{
    struct seen *seen = context;
    const char *text = failure ? failure->message : result->length == LARGE ? "much" : result->data;
    snprintf(seen->results[seen->count], sizeof seen->results[0], "%s", text);
    (void)job;
    seen->classes[seen->count++] = failure ? failure->class : ERROR_NONE;
    if (seen->fail_at && seen->count >= (size_t)seen->fail_at)
        return error_set(error, ERROR_SYSTEM, "done has had enough");
    return 0;
}

static void tick(void *context)
{
    ((struct seen *)context)->ticks++;
}

static uint64_t timeout_of(void *context, const char *job)
{
    (void)context;
    return strncmp(job, "hang", 4) == 0 ? 1000 : 60000;
}

static int run_jobs(struct seen *seen, size_t workers, const char *const *jobs, struct error *error)
{
    const struct pool_work work = {.workers = workers,
                                   .timeout_of = timeout_of,
                                   .context = seen,
                                   .run = run,
                                   .done = done,
                                   .tick = tick};
    *seen = (struct seen){.parent = getpid(), .fail_at = seen->fail_at};
    struct pool *pool = pool_open(&work, error);
    int result = 0;
    for (; *jobs && result == 0; jobs++)
        result = pool_submit(pool, *jobs, error);
    if (result == 0)
        result = pool_finish(pool, error);
    pool_close(pool);
    return result;
}

static size_t count_class(const struct seen *seen, enum error_class class)
{
    size_t count = 0;
    for (size_t i = 0; i < seen->count; i++)
        count += seen->classes[i] == class;
    return count;
}

static void test_work(void)
{
    struct seen seen = {.count = 0};
    struct error error;
    is_int(run_jobs(&seen, 1, (const char *[]){"a", "b", "", NULL}, &error), 0, "jobs are done");
    is_string(seen.results[0], "a by worker 1", "in another process");
    is_string(seen.results[1], "b by worker 2", "in the same one, as long as it lives");
    is_string(seen.results[2], " by worker 3", "an empty job is one");
    is_int(
        run_jobs(&seen, 3, (const char *[]){"large", "fail", "large", "a", "b", "c", NULL}, &error),
        0, "more jobs than workers");
    is_int((int)seen.count, 6, "each is answered");
    is_int((int)count_class(&seen, ERROR_REFUSED), 1, "a failure comes with its class");
    is_int(run_jobs(&seen, 2, (const char *[]){NULL}, &error), 0, "no jobs");
}

static void test_plights(void)
{
    struct seen seen = {.count = 0};
    struct error error;
    uint64_t start = clock_now_ms();
    const char *const jobs[] = {"hang for good", "a", "crash", "b", "exit", "c", "hang", "d", NULL};
    is_int(run_jobs(&seen, 2, jobs, &error), 0, "some hang and crash");
    is_int((int)seen.count, 8, "and all are answered");
    is_int((int)count_class(&seen, ERROR_UNREACHABLE), 2, "those that hang as unreachable");
    is_int((int)count_class(&seen, ERROR_SYSTEM), 2, "those that died as a failure of the system");
    is_int((int)count_class(&seen, ERROR_NONE), 4, "the others are not disturbed");
    ok(clock_now_ms() - start < 10000 && seen.ticks > 0, "in time");
    is_int(waitpid(-1, NULL, WNOHANG), -1, "no child is left");
}

/* What is still at work when the caller has had enough is ended. */
static void test_closing(void)
{
    struct seen seen = {.fail_at = 1};
    struct error error;
    uint64_t start = clock_now_ms();
    is_int(run_jobs(&seen, 3, (const char *[]){"hang", "hang for good", "a", NULL}, &error), -1,
           "done can end everything");
    is_string(error.message, "done has had enough", "with its own failure");
    ok(clock_now_ms() - start < 5000, "without waiting for what hangs");
    is_int(waitpid(-1, NULL, WNOHANG), -1, "no child is left");
}

static void test_signal(void)
{
    struct seen seen = {.fail_at = 0};
    struct error error;
    pid_t killer = fork();
    if (killer == 0) {
        clock_sleep_ms(300);
        kill(getppid(), SIGTERM);
        _exit(0);
    }
    is_int(run_jobs(&seen, 1, (const char *[]){"slow", "wait", "hang", NULL}, &error), -1,
           "a signal ends it");
    is_int(error.class, ERROR_INTERRUPTED, "as interrupted: %s", error.message);
    waitpid(killer, NULL, 0);
    is_int(waitpid(-1, NULL, WNOHANG), -1, "no child is left");
}

int main(void)
{
    signals_setup();
    test_work();
    test_plights();
    test_closing();
    test_signal();
    return done_testing();
}
