#include "s3/client.h"
#include "base/error.h"

#include <stdlib.h>
#include <string.h>

enum {
    CONNECT_MS = 10000, /* longest */
    STALL_MS = 20000,   /* longest; a server may take its time when all of an object has come */
};

static const char default_region[] = "us-east-1";

/* The setting, else what AWS's files and variables say, else `fallback`; the caller frees it. */
static int choose(const char *setting, const char *profile, enum aws_profile_setting which,
                  const char *fallback, char **value, struct error *error)
{
    *value = NULL;
    if (!setting && aws_profile_find(profile, which, value, error))
        return -1;
    if (*value)
        return 0;
    const char *chosen = setting ? setting : fallback;
    *value = chosen ? strdup(chosen) : NULL;
    return chosen && !*value ? error_memory(error) : 0;
}

static uint64_t at_most(uint64_t limit, uint64_t value)
{
    return value < limit ? value : limit;
}

static int open_http(struct s3_client *client, const char *ca_file, struct error *error)
{
    const struct storage_options *options = client->options;
    const struct http_options http = {
        .ca_file = ca_file,
        /* Parts of the whole, so that there is time to try again. */
        .connect_ms = at_most(CONNECT_MS, options->timeout / 3 + 1),
        .stall_ms = at_most(STALL_MS, options->timeout / 2 + 1),
        .limit_rate = options->limit_rate,
        /* For a proxy, "this machine" would be another one. */
        .direct = client->place.is_plain && client->place.is_local,
    };
    client->http = http_open(&http, error);
    return client->http ? 0 : -1;
}

static int open_credentials(struct s3_client *client, const char *ca_file, struct error *error)
{
    const struct s3_options *s3 = &client->options->s3;
    if (!s3->access_key != !s3->secret_key)
        return error_set(error, ERROR_USAGE,
                         "s3-access-key and s3-secret-key go together: one of them is missing");
    if (s3->access_key)
        return 0;
    client->credentials =
        aws_credentials_open(s3->profile, ca_file, client->options->timeout, error);
    return client->credentials ? 0 : -1;
}

static int set_up(struct s3_client *client, const char *bucket, struct error *error)
{
    const struct s3_options *s3 = &client->options->s3;
    char *region = NULL, *endpoint = NULL, *ca_file = NULL;
    int result = -1;
    if (choose(s3->region, s3->profile, AWS_PROFILE_REGION, default_region, &region, error) == 0 &&
        choose(s3->endpoint, s3->profile, AWS_PROFILE_ENDPOINT, NULL, &endpoint, error) == 0 &&
        choose(s3->ca_file, s3->profile, AWS_PROFILE_CA_FILE, NULL, &ca_file, error) == 0 &&
        s3_place_make(bucket, region, endpoint, s3->addressing, s3->plain_http, &client->place,
                      error) == 0 &&
        open_credentials(client, ca_file, error) == 0)
        result = open_http(client, ca_file, error);
    free(region);
    free(endpoint);
    free(ca_file);
    return result;
}

struct s3_client *s3_client_open(const char *bucket, const struct storage_options *options,
                                 struct error *error)
{
    struct s3_client *client = calloc(1, sizeof *client);
    if (!client) {
        error_memory(error);
        return NULL;
    }
    client->options = options;
    if (set_up(client, bucket, error) == 0)
        return client;
    s3_client_close(client);
    return NULL;
}

void s3_client_close(struct s3_client *client)
{
    if (!client)
        return;
    http_close(client->http);
    aws_credentials_close(client->credentials);
    s3_place_free(&client->place);
    free(client);
}

const struct s3_place *s3_client_place(const struct s3_client *client)
{
    return &client->place;
}

time_t s3_client_time(const struct s3_client *client)
{
    return time(NULL) + client->clock_offset;
}

const struct s3_failure *s3_client_failure(const struct s3_client *client)
{
    return &client->failure;
}
