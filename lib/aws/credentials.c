#include "aws/credentials.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/error.h"
#include "aws/provider.h"

#include <stdlib.h>
#include <string.h>

enum {
    EARLY_SECONDS = 5 * 60, /* keys are fetched anew so long before they expire */
    /* Shortly before that, a service may give the same keys once more, or none: it is not asked for
     * each request. */
    PAUSE_SECONDS = 1,
    PAUSE_AFTER_FAILURE_SECONDS = 30,
};

static const struct provider {
    aws_provider *fetch;
    bool yields_to_profile; /* not asked when there is a setting of a profile */
    bool is_fixed;          /* would give the same keys again */
} providers[] = {
    {.fetch = aws_from_environment, .yields_to_profile = true, .is_fixed = true},
    {.fetch = aws_from_web_identity, .yields_to_profile = true},
    {.fetch = aws_from_profile},
    {.fetch = aws_from_container},
    {.fetch = aws_from_instance},
};

enum { PROVIDERS = sizeof providers / sizeof *providers };

struct aws_credentials {
    char *profile;
    char *ca_file;
    struct aws_search search;        /* borrows both */
    const struct provider *provider; /* that has granted, NULL before the first time */
    struct aws_grant grant;
    bool refused;         /* by the server, as expired */
    uint64_t pause_until; /* clock_now_ms */
};

struct aws_credentials *aws_credentials_open(const char *profile, const char *ca_file,
                                             uint64_t timeout, struct error *error)
{
    struct aws_credentials *credentials = calloc(1, sizeof *credentials);
    if (!credentials) {
        error_memory(error);
        return NULL;
    }
    credentials->profile = profile && *profile ? strdup(profile) : NULL;
    credentials->ca_file = ca_file ? strdup(ca_file) : NULL;
    if ((profile && *profile && !credentials->profile) || (ca_file && !credentials->ca_file)) {
        error_memory(error);
        aws_credentials_close(credentials);
        return NULL;
    }
    credentials->search = (struct aws_search){credentials->profile, credentials->ca_file, timeout};
    return credentials;
}

void aws_credentials_close(struct aws_credentials *credentials)
{
    if (!credentials)
        return;
    aws_grant_free(&credentials->grant);
    free(credentials->profile);
    free(credentials->ca_file);
    free(credentials);
}

/* ---- the chain ---- */

static int nothing_found(struct buf *looked_for, struct error *error)
{
    return error_set(error, ERROR_USAGE, "no S3 credentials: neither %s; see waltools.conf(5)",
                     looked_for->data);
}

/* Asks one after the other. The names of those that are not configured gather in `looked_for`. */
static int walk(const struct aws_search *search, const struct provider **provider,
                struct aws_grant *grant, struct buf *looked_for, struct error *error)
{
    for (size_t i = 0; i < PROVIDERS; i++) {
        if (search->profile && providers[i].yields_to_profile)
            continue;
        *provider = &providers[i];
        if (providers[i].fetch(search, grant, error) == 0)
            return 0;
        if (error->class != ERROR_MISSING)
            return -1;
        aws_grant_free(grant);
        if (buf_printf(looked_for, error, "%s%s", looked_for->length ? " nor " : "",
                       error->message))
            return -1;
    }
    return nothing_found(looked_for, error);
}

static int find_first(const struct aws_search *search, const struct provider **provider,
                      struct aws_grant *grant, struct error *error)
{
    struct buf looked_for = {0};
    int result = walk(search, provider, grant, &looked_for, error);
    buf_free(&looked_for);
    return result;
}

/* The same provider for good: keys of another user in the middle of the work would be a surprise.
 */
static int ask_again(const struct aws_search *search, const struct provider *provider,
                     struct aws_grant *grant, struct error *error)
{
    if (provider->fetch(search, grant, error) == 0)
        return 0;
    if (error->class == ERROR_MISSING) {
        error->class = ERROR_UNREACHABLE;
        error_prefix(error, "no longer there: ");
    }
    return error_prefix(error, "S3 credentials can't be had anew: ");
}

/* ---- their time ---- */

static bool still_valid(const struct aws_credentials *credentials)
{
    return credentials->provider && !credentials->refused &&
           time(NULL) < credentials->grant.expires;
}

static bool is_due(const struct aws_credentials *credentials)
{
    if (!credentials->provider || credentials->refused)
        return true;
    time_t expires = credentials->grant.expires;
    return expires && time(NULL) >= expires - EARLY_SECONDS &&
           clock_now_ms() >= credentials->pause_until;
}

/* Never beyond the moment in which they expire. */
static void pause_for(struct aws_credentials *credentials, time_t seconds)
{
    time_t left = credentials->grant.expires - time(NULL);
    if (left > 0 && left < seconds)
        seconds = left;
    credentials->pause_until = clock_now_ms() + (uint64_t)seconds * 1000;
}

static int renew(struct aws_credentials *credentials, struct error *error)
{
    struct aws_grant fresh = {0};
    const struct provider *provider = credentials->provider;
    int result = provider ? ask_again(&credentials->search, provider, &fresh, error)
                          : find_first(&credentials->search, &provider, &fresh, error);
    if (result) {
        aws_grant_free(&fresh);
        return -1;
    }
    aws_grant_free(&credentials->grant);
    credentials->grant = fresh;
    credentials->provider = provider;
    credentials->refused = false;
    pause_for(credentials, PAUSE_SECONDS);
    return 0;
}

int aws_credentials_get(struct aws_credentials *credentials, struct aws_keys *keys,
                        struct error *error)
{
    if (is_due(credentials) && renew(credentials, error)) {
        if (error->class == ERROR_INTERRUPTED || !still_valid(credentials))
            return -1;
        pause_for(credentials, PAUSE_AFTER_FAILURE_SECONDS);
    }
    const struct aws_grant *grant = &credentials->grant;
    *keys = (struct aws_keys){grant->access_key, grant->secret_key, grant->session_token};
    return 0;
}

bool aws_credentials_expired(struct aws_credentials *credentials)
{
    if (!credentials->provider || credentials->provider->is_fixed)
        return false;
    credentials->refused = true;
    return true;
}
