#include "rsync/claim.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/process.h"
#include "rsync/names.h"
#include "rsync/run.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

enum { STALE_SECONDS = 3600, TRIES = 3, WAIT_MS = 200, DIGEST_LENGTH = 64 };

char *claim_name(const char *key, struct error *error)
{
    char *name = strdup(key);
    if (!name)
        error_memory(error);
    for (char *c = name; c && *c; c++)
        if (*c == '/')
            *c = '+';
    return name;
}

/* ---- the target: "DIGEST.SECONDS" ---- */

static void write_target(const char *digest, char *target, size_t size)
{
    uint64_t number = 0;
    if (digest)
        snprintf(target, size, "%.*s.%lld", DIGEST_LENGTH, digest, (long long)time(NULL));
    else if (getrandom(&number, sizeof number, 0) >= 0)
        snprintf(target, size, "%016" PRIx64 ".%lld", number, (long long)time(NULL));
}

static bool same_digest(const char *target, const char *digest)
{
    size_t length = digest ? strnlen(digest, DIGEST_LENGTH) : 0;
    return length && strncmp(target, digest, length) == 0 && target[length] == '.';
}

static time_t claimed_at(const char *target)
{
    const char *dot = strrchr(target, '.');
    return dot ? (time_t)strtoll(dot + 1, NULL, 10) : 0;
}

/* ---- making them ---- */

struct making {
    struct claim *claims;
    size_t count, held;
};

/* "=cL+++++++++ tmp/NAME", or without "tmp/": this run has made it. When it has made all, no more
 * is wanted. */
static int look_for_link(void *context, char *line, struct error *error)
{
    struct making *making = context;
    char *name =
        strncmp(line, RSYNC_MARK "cL", sizeof RSYNC_MARK "cL" - 1) == 0 ? strchr(line, ' ') : NULL;
    if (name)
        name += strncmp(name, " tmp/", 5) == 0 ? 5 : 1;
    for (size_t i = 0; name && i < making->count; i++) {
        char *claimed = claim_name(making->claims[i].key, error);
        if (!claimed)
            return -1;
        if (strcmp(name, claimed) == 0) {
            making->claims[i].held = making->claims[i].made = true;
            making->held++;
        }
        free(claimed);
    }
    return making->held == making->count;
}

/* rsync makes the directory that is its destination, but none above it. So only the first object of
 * all, which goes into .waltools, makes that: where it is missing later, the archive is another. */
static void add_paths(const struct rsync_storage *rsync, struct arguments *arguments,
                      const char *key)
{
    bool first = rsync_is_own(key);
    arguments_add(arguments, first ? "%s/./tmp/" : "%s/tmp/./", rsync->spool.path);
    rsync_add_path(rsync, arguments, first ? RSYNC_OWN : CLAIM_DIRECTORY "/");
}

static int run_making(struct rsync_storage *rsync, struct making *making, struct error *error)
{
    struct arguments arguments = {.list = NULL};
    const struct rsync_talk talk = {look_for_link, making, NULL};
    int result = rsync_begin(rsync, &arguments, error);
    arguments_add(&arguments, "-dlR8");
    arguments_add(&arguments, "--ignore-existing");
    arguments_add(&arguments, "--out-format=" RSYNC_MARK "%%i %%n");
    add_paths(rsync, &arguments, making->claims->key);
    if (result == 0)
        result = rsync_run(rsync, &arguments, &talk, error);
    arguments_free(&arguments);
    return result;
}

static int add_link(struct rsync_storage *rsync, const struct claim *claim, struct error *error)
{
    char target[DIGEST_LENGTH + 32] = "";
    struct buf link = {0};
    char *name = claim_name(claim->key, error);
    int result = name && buf_printf(&link, error, "tmp/%s", name) == 0 ? 0 : -1;
    write_target(claim->digest, target, sizeof target);
    if (result == 0 && symlinkat(target, rsync->spool.fd, link.data))
        result = error_set_errno(error, ERROR_SYSTEM, "can't make a link in %s", rsync->spool.path);
    free(name);
    buf_free(&link);
    return result;
}

static int make(struct rsync_storage *rsync, struct claim *claims, size_t count,
                struct error *error)
{
    struct making making = {claims, count, 0};
    if (rsync_spool(rsync, error) || spool_make(&rsync->spool, "tmp", error))
        return -1;
    int result = 0;
    for (size_t i = 0; i < count && result == 0; i++)
        result = add_link(rsync, &claims[i], error);
    if (result == 0)
        result = run_making(rsync, &making, error);
    if (result && rsync->code == RSYNC_FILE_IO) /* another has just made the directory */
        result = run_making(rsync, &making, error);
    spool_remove(&rsync->spool, "tmp");
    /* Another was a moment faster, or links can't be made: that is seen next. */
    return result && rsync->code == RSYNC_PARTIAL ? 0 : result;
}

/* ---- whose it is ---- */

struct reading {
    struct buf target;
};

/* "lrwxrwxrwx          23 2026/11/24 02:02:40 .waltools/tmp/NAME -> TARGET" */
static int take_target(void *context, char *line, struct error *error)
{
    struct reading *reading = context;
    const char *target = *line == 'l' ? strstr(line, " -> ") : NULL;
    return target ? buf_printf(&reading->target, error, "%s", target + 4) : 0;
}

static int run_reading(struct rsync_storage *rsync, const char *name, struct reading *reading,
                       struct error *error)
{
    struct arguments arguments = {.list = NULL};
    struct buf rule = {0};
    const struct rsync_talk talk = {take_target, reading, NULL};
    int result = rsync_begin(rsync, &arguments, error);
    if (result == 0 && (buf_printf(&rule, error, "--include=/" CLAIM_DIRECTORY "/") ||
                        rsync_add_pattern(&rule, name, error)))
        result = -1;
    arguments_add(&arguments, "--list-only");
    arguments_add(&arguments, "-rl8");
    arguments_add(&arguments, "--include=/.waltools/");
    arguments_add(&arguments, "--include=/" CLAIM_DIRECTORY "/");
    arguments_add(&arguments, "%s", rule.data ? rule.data : "");
    arguments_add(&arguments, "--exclude=*");
    rsync_add_path(rsync, &arguments, "");
    if (result == 0)
        result = rsync_run(rsync, &arguments, &talk, error);
    arguments_free(&arguments);
    buf_free(&rule);
    return result;
}

static void ignore_failure(void *context, const char *key, const struct error *error)
{
    (void)context, (void)key, (void)error;
}

static int remove_claim(struct rsync_storage *rsync, const char *name, struct error *error)
{
    struct buf key = {0};
    int result = buf_printf(&key, error, CLAIM_DIRECTORY "/%s", name);
    const char *const keys[] = {key.data};
    if (result == 0)
        result = rsync_remove(&rsync->storage, keys, 1, ignore_failure, NULL, error);
    buf_free(&key);
    return result;
}

enum sight { SIGHT_GONE, SIGHT_OURS, SIGHT_FOREIGN /* with the error set */ };

/* -1 when it can't be found out. */
static int judge(struct rsync_storage *rsync, const char *name, const char *digest,
                 const char *target, struct error *error)
{
    if (!target)
        return SIGHT_GONE;
    time_t age = time(NULL) - claimed_at(target);
    if (age >= STALE_SECONDS ||
        age <= -STALE_SECONDS) /* whoever's it was: for all others it counts no more */
        return remove_claim(rsync, name, error) ? -1 : SIGHT_GONE;
    if (same_digest(target, digest))
        return SIGHT_OURS;
    error_set(error, ERROR_UNREACHABLE,
              "%s: another push of this name, with other content, is under way (or died %lld "
              "seconds ago): try again",
              rsync->place.host, (long long)(age > 0 ? age : 0));
    return SIGHT_FOREIGN;
}

static int look(struct rsync_storage *rsync, const struct claim *claim, struct error *error)
{
    struct reading reading = {{0}};
    char *name = claim_name(claim->key, error);
    int sight = name ? run_reading(rsync, name, &reading, error) : -1;
    if (sight == 0)
        sight = judge(rsync, name, claim->digest, reading.target.data, error);
    buf_free(&reading.target);
    free(name);
    return sight;
}

/* Until it is not foreign, or the time is up. */
static int look_patiently(struct rsync_storage *rsync, const struct claim *claim,
                          struct error *error)
{
    uint64_t deadline = clock_now_ms() + rsync->options.timeout / 2;
    int sight;
    while ((sight = look(rsync, claim, error)) == SIGHT_FOREIGN) {
        struct error ignored;
        if (process_check_time(deadline, &ignored))
            return -1;
        clock_sleep_ms(WAIT_MS);
    }
    return sight;
}

static int take_one(struct rsync_storage *rsync, struct claim *claim, struct error *error)
{
    for (int i = 0; i < TRIES && !claim->held; i++) {
        int sight = look_patiently(rsync, claim, error);
        if (sight < 0)
            return -1;
        claim->held = sight == SIGHT_OURS;
        if (sight == SIGHT_GONE && make(rsync, claim, 1, error))
            return -1;
    }
    if (!claim->held)
        log_warning("two servers that push one name at the same moment are not kept apart, as no "
                    "symbolic link can be made: %s",
                    error->message);
    return 0;
}

void claim_forget(struct rsync_storage *rsync, const char *key)
{
    struct error ignored;
    char *name = claim_name(key, &ignored);
    if (name)
        remove_claim(rsync, name, &ignored);
    free(name);
}

static void give_back(struct rsync_storage *rsync, const struct claim *claims, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (claims[i].made)
            claim_forget(rsync, claims[i].key);
}

int claim_take(struct rsync_storage *rsync, struct claim *claims, size_t count, struct error *error)
{
    int result = make(rsync, claims, count, error);
    for (size_t i = 0; i < count && result == 0; i++)
        if (!claims[i].held)
            result = take_one(rsync, &claims[i], error);
    if (result)
        give_back(rsync, claims, count);
    return result;
}
