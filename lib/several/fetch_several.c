#include "several/fetch_several.h"
#include "archive/fetch.h"
#include "several/silence.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/signals.h"
#include "run/pool.h"
#include "run/retry.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* A standby waits five seconds for a segment, and an archive that answers does so in one. */
enum { SILENCE_MS = 2000, JOB_SIZE = 24 };

enum state { FIRST_CHOICE, LAST_CHOICE, ASKED, ANSWERED };

struct runner {
    enum state state;
    bool was_silent;          /* a moment ago: it is a last choice */
    uint64_t asked, answered; /* clock_now_ms */
    uint64_t seen, moved;     /* how much had arrived when it was last looked at, and since when */
    struct error failure;
};

/* One attempt with all archives. */
struct round {
    const struct archive *archives;
    size_t count, winner; /* winner is `count` as long as there is none */
    const struct wal_name *name;
    const char *destination;
    struct fetch_race *race;
    struct runner *runners;
};

/* ---- in a worker ---- */

static size_t index_of(const char *job)
{
    return (size_t)strtoull(job, NULL, 10);
}

static int run(void *context, const char *job, struct buf *result, struct error *error)
{
    const struct round *round = context;
    size_t index = index_of(job);
    struct archive archive = round->archives[index];
    (void)result;
    return archive_fetch_in_race(&archive, round->name, round->destination, round->race, index,
                                 error);
}

/* ---- what they answer ---- */

static int done(void *context, const char *job, const struct buf *result,
                const struct error *failure, struct error *error)
{
    struct round *round = context;
    size_t index = index_of(job);
    (void)result;
    (void)error;
    round->runners[index].state = ANSWERED;
    round->runners[index].answered = clock_now_ms();
    if (failure)
        round->runners[index].failure = *failure;
    else
        round->winner = index;
    return 0;
}

static uint64_t timeout_of(void *context, const char *job)
{
    const struct round *round = context;
    return round->archives[index_of(job)].options.timeout;
}

static uint64_t silence_of(const struct archive *archive)
{
    uint64_t half = archive->options.timeout / 2;
    return half < SILENCE_MS ? half : SILENCE_MS;
}

/* For how many milliseconds nothing has come from it. */
static uint64_t look(struct round *round, size_t index)
{
    struct runner *runner = &round->runners[index];
    uint64_t arrived = atomic_load(&round->race->arrived[index]), now = clock_now_ms();
    if (arrived != runner->seen) {
        runner->seen = arrived;
        runner->moved = now;
    }
    return now - runner->moved;
}

/* ---- who is asked ---- */

static bool one_may_deliver(struct round *round)
{
    for (size_t i = 0; i < round->count; i++)
        if (round->runners[i].state == ASKED && look(round, i) < silence_of(&round->archives[i]))
            return true;
    return false;
}

static size_t find(const struct round *round, enum state state)
{
    size_t index = 0;
    while (index < round->count && round->runners[index].state != state)
        index++;
    return index;
}

/* In their order, those that were silent behind the others; `count` when all have been. */
static size_t next_to_ask(const struct round *round)
{
    size_t next = find(round, FIRST_CHOICE);
    return next < round->count ? next : find(round, LAST_CHOICE);
}

static int ask(struct pool *pool, struct round *round, size_t index, struct error *error)
{
    char job[JOB_SIZE];
    struct runner *runner = &round->runners[index];
    snprintf(job, sizeof job, "%zu", index);
    runner->state = ASKED;
    runner->asked = runner->moved = clock_now_ms();
    return pool_submit(pool, job, error);
}

/* Until one has delivered or all have failed. */
static int ask_all(struct pool *pool, struct round *round, struct error *error)
{
    for (int busy = 1; round->winner == round->count;) {
        size_t next = one_may_deliver(round) ? round->count : next_to_ask(round);
        if (next == round->count && !busy)
            return 0;
        if (next < round->count && ask(pool, round, next, error))
            return -1;
        busy = pool_wait(pool, error);
        if (busy < 0)
            return -1;
    }
    return 0;
}

/* ---- what is said and remembered of it ---- */

static bool was_too_slow(const struct round *round, size_t index)
{
    const struct runner *runner = &round->runners[index];
    uint64_t limit = silence_of(&round->archives[index]);
    if (runner->state == ASKED)
        return clock_now_ms() - runner->moved >= limit;
    return runner->state == ANSWERED && runner->failure.class == ERROR_UNREACHABLE &&
           runner->answered - runner->asked >= limit;
}

static void remember(const struct round *round)
{
    for (size_t i = 0; i < round->count; i++) {
        const struct runner *runner = &round->runners[i];
        if (was_too_slow(round, i))
            silence_keep(&round->archives[i]);
        else if (runner->state == ANSWERED && runner->was_silent)
            silence_forget(&round->archives[i]);
    }
}

/* Why the archive has not delivered. False when that needs no mention. */
static bool tell_why(const struct round *round, size_t index, char *why, size_t size)
{
    const struct runner *runner = &round->runners[index];
    const char *location = round->archives[index].location;
    if (runner->state == FIRST_CHOICE || runner->state == LAST_CHOICE)
        snprintf(why, size, "%s did not answer a moment ago", location);
    else if (runner->state == ASKED)
        snprintf(why, size, "%s has not answered for %.1f seconds", location,
                 (double)(clock_now_ms() - runner->moved) / 1000);
    else if (runner->failure.class != ERROR_MISSING)
        snprintf(why, size, "%s: %s", location, runner->failure.message);
    else
        return false;
    return true;
}

static void warn(const struct round *round)
{
    char why[ERROR_MESSAGE_SIZE + 256];
    for (size_t i = 0; i < round->winner; i++)
        if (tell_why(round, i, why, sizeof why))
            log_warning("%s; took %s from %s", why, round->name->text,
                        round->archives[round->winner].location);
}

static const int weights[] = {
    [ERROR_MISSING] = 1, [ERROR_USAGE] = 2,  [ERROR_REFUSED] = 3,     [ERROR_EXISTS] = 3,
    [ERROR_CORRUPT] = 4, [ERROR_SYSTEM] = 5, [ERROR_UNREACHABLE] = 6, [ERROR_INTERRUPTED] = 7,
};

static int verdict(const struct round *round, struct error *error)
{
    struct error all = {.class = ERROR_MISSING, .message = ""};
    size_t used = 0;
    for (size_t i = 0; i < round->count; i++) {
        const struct error *failure = &round->runners[i].failure;
        if (weights[failure->class] > weights[all.class])
            all.class = failure->class;
        if (used < sizeof all.message)
            used += (size_t)snprintf(all.message + used, sizeof all.message - used, "%s%s: %s",
                                     i ? "; " : "", round->archives[i].location, failure->message);
    }
    if (all.class == ERROR_MISSING)
        return error_set(error, ERROR_MISSING, "%s is in none of the %zu archives",
                         round->name->text, round->count);
    *error = all;
    return -1;
}

/* ---- a round ---- */

static void start(struct round *round)
{
    round->winner = round->count;
    atomic_store(&round->race->taken, false);
    for (size_t i = 0; i < round->count; i++) {
        atomic_store(&round->race->arrived[i], 0);
        bool silent = silence_is_known(&round->archives[i]);
        round->runners[i] =
            (struct runner){.state = silent ? LAST_CHOICE : FIRST_CHOICE, .was_silent = silent};
    }
}

static int run_round(struct round *round, struct error *error)
{
    const struct pool_work work = {.workers = round->count,
                                   .timeout_of = timeout_of,
                                   .context = round,
                                   .run = run,
                                   .done = done};
    start(round);
    struct pool *pool = pool_open(&work, error);
    if (!pool)
        return -1;
    int result = ask_all(pool, round, error);
    if (result == 0) {
        remember(round);
        if (round->winner < round->count)
            warn(round);
        else
            result = verdict(round, error);
    }
    pool_close(pool);
    return result;
}

static int run_rounds(struct round *round, uint64_t patience, struct error *error)
{
    struct retry retry;
    int result;
    retry_start(&retry, patience);
    do
        result = run_round(round, error);
    while (result && retry_again(&retry, error->class));
    return result && signals_check(error) ? -1 : result;
}

int fetch_several(const struct archive *archives, size_t count, const struct wal_name *name,
                  const char *destination, uint64_t patience, struct error *error)
{
    struct round round = {
        .archives = archives, .count = count, .name = name, .destination = destination};
    size_t size = sizeof *round.race + count * sizeof *round.race->arrived;
    if (fetch_check_name(name, error))
        return -1;
    round.race = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (round.race == MAP_FAILED)
        return error_memory(error);
    round.runners = calloc(count, sizeof *round.runners);
    int result = round.runners ? run_rounds(&round, patience, error) : error_memory(error);
    free(round.runners);
    munmap(round.race, size);
    return result;
}
