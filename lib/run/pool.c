#include "run/pool.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/signals.h"
#include "run/idle.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    TICK_MS = 100,
    GRACE_MS = 1000,     /* to clean up after SIGTERM */
    AFTER_KILL_MS = 200, /* one that hangs in the kernel ends only when that lets it */
};

struct worker {
    pid_t process; /* 0: not started, or ended */
    int socket;
    char *job; /* NULL: it has none */
    struct idle idle;
    uint64_t timeout; /* of the job */
};

struct pool {
    struct pool_work work;
    size_t count;
    struct worker workers[];
};

/* ---- messages: a header and as many bytes as it says ---- */

struct header {
    uint64_t size;
    int failed; /* then what follows is a struct error */
};

static int send_message(int socket, int failed, const void *data, size_t size, struct error *error)
{
    const struct header header = {size, failed};
    return file_write(socket, "a worker", &header, sizeof header, error) ||
                   file_write(socket, "a worker", data, size, error)
               ? -1
               : 0;
}

/* 1; 0: the other side is gone; -1. */
static int receive_message(int socket, struct header *header, struct buf *data, struct error *error)
{
    ssize_t n = file_read(socket, "a worker", header, sizeof *header, error);
    if (n != sizeof *header)
        return n < 0 ? -1 : 0;
    data->length = 0;
    if (buf_reserve(data, header->size + 1, error))
        return -1;
    n = file_read(socket, "a worker", data->data, header->size, error);
    if (n < 0 || (size_t)n != header->size)
        return n < 0 ? -1 : 0;
    data->length = header->size;
    data->data[data->length] = '\0';
    return 1;
}

/* ---- in a worker ---- */

static int do_job(const struct pool_work *work, int socket, const char *job, struct error *error)
{
    struct buf result = {0};
    struct error failure;
    int failed = work->run(work->context, job, &result, &failure) != 0;
    fflush(stdout); /* before the caller hears of it; it would be lost at the end */
    int sent = failed
                   ? send_message(socket, 1, &failure, sizeof failure, error)
                   : send_message(socket, 0, result.data ? result.data : "", result.length, error);
    buf_free(&result);
    return sent;
}

static void be_worker(const struct pool_work *work, int socket, pid_t parent)
{
    struct header header;
    struct buf job = {0};
    struct error error;
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() == parent)
        while (receive_message(socket, &header, &job, &error) > 0 &&
               do_job(work, socket, job.data, &error) == 0 && !signals_caught())
            ;
    if (work->leave)
        work->leave(work->context);
    _exit(0);
}

/* ---- in the parent: starting and ending one ---- */

/* A worker must not hold the other ends of its siblings. */
static void close_others(const struct pool *pool)
{
    for (size_t i = 0; i < pool->count; i++)
        if (pool->workers[i].process)
            close(pool->workers[i].socket);
}

static int start(struct pool *pool, struct worker *worker, struct error *error)
{
    int ends[2];
    pid_t parent = getpid();
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
        return error_set_errno(error, ERROR_SYSTEM, "can't make a socket");
    fflush(NULL); /* what is buffered here must not be written there too */
    pid_t process = fork();
    if (process == 0) {
        close_others(pool);
        close(ends[0]);
        be_worker(&pool->work, ends[1], parent);
    }
    close(ends[1]);
    if (process < 0) {
        close(ends[0]);
        return error_set_errno(error, ERROR_SYSTEM, "can't start a process");
    }
    *worker = (struct worker){.process = process, .socket = ends[0]};
    return 0;
}

/* Waits for its end at most so long. */
static bool has_ended(pid_t process, int *status, uint64_t milliseconds)
{
    for (uint64_t deadline = clock_now_ms() + milliseconds;;) {
        pid_t ended = waitpid(process, status, WNOHANG);
        if (ended == process || (ended < 0 && errno != EINTR))
            return true;
        if (clock_now_ms() >= deadline)
            return false;
        clock_sleep_ms(1);
    }
}

/* Waits for the end of one that has been told to. One that can't be ended, because it hangs in the
 * kernel, is left behind. */
static int reap(struct worker *worker, uint64_t grace)
{
    int status = 0;
    if (!has_ended(worker->process, &status, grace)) {
        kill(worker->process, SIGKILL);
        has_ended(worker->process, &status, AFTER_KILL_MS);
    }
    worker->process = 0;
    return status;
}

/* An idle one goes when its socket is closed. */
static void tell_to_end(const struct worker *worker)
{
    close(worker->socket);
    if (worker->job)
        kill(worker->process, SIGTERM);
}

struct pool *pool_open(const struct pool_work *work, struct error *error)
{
    size_t count = work->workers ? work->workers : 1;
    struct pool *pool = calloc(1, sizeof *pool + count * sizeof *pool->workers);
    if (!pool) {
        error_memory(error);
        return NULL;
    }
    pool->work = *work;
    pool->count = count;
    return pool;
}

void pool_close(struct pool *pool)
{
    if (!pool)
        return;
    for (size_t i = 0; i < pool->count; i++)
        if (pool->workers[i].process)
            tell_to_end(&pool->workers[i]);
    uint64_t deadline = clock_now_ms() + GRACE_MS;
    for (size_t i = 0; i < pool->count; i++) {
        struct worker *worker = &pool->workers[i];
        uint64_t now = clock_now_ms();
        if (worker->process)
            reap(worker, now < deadline ? deadline - now : 0);
        free(worker->job);
    }
    free(pool);
}

/* ---- jobs ---- */

static int report(struct pool *pool, struct worker *worker, const struct buf *result,
                  const struct error *failure, struct error *error)
{
    char *job = worker->job;
    worker->job = NULL;
    int verdict = pool->work.done(pool->work.context, job, result, failure, error);
    free(job);
    return verdict;
}

/* It has gone with its job; the next one starts another. */
static int lost(struct pool *pool, struct worker *worker, const struct error *failure,
                struct error *error)
{
    const struct buf nothing = {0};
    return report(pool, worker, &nothing, failure, error);
}

static int crashed(struct pool *pool, struct worker *worker, struct error *error)
{
    struct error failure;
    close(worker->socket);
    int status = reap(worker, GRACE_MS);
    if (signals_check(error))
        return -1;
    if (WIFSIGNALED(status))
        error_set(&failure, ERROR_SYSTEM, "crashed with signal %d (%s)", WTERMSIG(status),
                  strsignal(WTERMSIG(status)));
    else
        error_set(&failure, ERROR_SYSTEM, "a worker process has ended");
    return lost(pool, worker, &failure, error);
}

static int take_result(struct pool *pool, struct worker *worker, struct error *error)
{
    struct header header;
    struct buf data = {0};
    struct error failure;
    int received = receive_message(worker->socket, &header, &data, error);
    int result;
    if (received <= 0) {
        result = crashed(pool, worker, error);
    } else if (header.failed) {
        memcpy(&failure, data.data, sizeof failure);
        data.length = 0;
        result = report(pool, worker, &data, &failure, error);
    } else {
        result = report(pool, worker, &data, NULL, error);
    }
    buf_free(&data);
    return result;
}

static int check_idle(struct pool *pool, struct worker *worker, struct error *error)
{
    struct error failure;
    uint64_t silence = idle_look(&worker->idle, worker->process);
    if (silence < worker->timeout)
        return 0;
    close(worker->socket);
    kill(worker->process, SIGKILL);
    reap(worker, AFTER_KILL_MS);
    error_set(&failure, ERROR_UNREACHABLE, "the archive has not answered for %.1f seconds",
              (double)silence / 1000);
    return lost(pool, worker, &failure, error);
}

/* Waits for a while, or until something comes, and takes all that has come. */
static int wait_once(struct pool *pool, struct error *error)
{
    struct pollfd *polls = calloc(pool->count, sizeof *polls);
    if (!polls)
        return error_memory(error);
    for (size_t i = 0; i < pool->count; i++)
        polls[i] = (struct pollfd){pool->workers[i].job ? pool->workers[i].socket : -1, POLLIN, 0};
    poll(polls, pool->count, TICK_MS);
    int result = signals_check(error);
    for (size_t i = 0; i < pool->count && result == 0; i++)
        if (pool->workers[i].job)
            result = polls[i].revents ? take_result(pool, &pool->workers[i], error)
                                      : check_idle(pool, &pool->workers[i], error);
    free(polls);
    if (pool->work.tick)
        pool->work.tick(pool->work.context);
    return result;
}

/* One that is there already knows more than a new one. */
static struct worker *find_free(struct pool *pool)
{
    struct worker *other = NULL;
    for (size_t i = 0; i < pool->count; i++) {
        struct worker *worker = &pool->workers[i];
        if (!worker->job && worker->process)
            return worker;
        if (!worker->job)
            other = worker;
    }
    return other;
}

static uint64_t timeout_of(const struct pool_work *work, const char *job)
{
    return work->timeout_of ? work->timeout_of(work->context, job) : work->timeout;
}

/* -1: it has died while it had nothing to do. */
static int send_job(struct worker *worker, const char *job, struct error *error)
{
    if (send_message(worker->socket, 0, job, strlen(job), error) == 0)
        return 0;
    close(worker->socket);
    reap(worker, AFTER_KILL_MS);
    return -1;
}

static int hand_over(struct pool *pool, struct worker *worker, const char *job, struct error *error)
{
    if (worker->process && send_job(worker, job, error) && signals_check(error))
        return -1;
    if (!worker->process && (start(pool, worker, error) || send_job(worker, job, error)))
        return -1;
    worker->job = strdup(job);
    if (!worker->job)
        return error_memory(error);
    worker->timeout = timeout_of(&pool->work, job);
    idle_start(&worker->idle, worker->process);
    return 0;
}

int pool_submit(struct pool *pool, const char *job, struct error *error)
{
    struct worker *worker;
    while (!(worker = find_free(pool)))
        if (pool_wait(pool, error) < 0)
            return -1;
    return hand_over(pool, worker, job, error);
}

static bool is_busy(const struct pool *pool)
{
    for (size_t i = 0; i < pool->count; i++)
        if (pool->workers[i].job)
            return true;
    return false;
}

int pool_wait(struct pool *pool, struct error *error)
{
    if (!is_busy(pool))
        return 0;
    return wait_once(pool, error) ? -1 : 1;
}

int pool_finish(struct pool *pool, struct error *error)
{
    int busy;
    do
        busy = pool_wait(pool, error);
    while (busy > 0);
    return busy;
}
