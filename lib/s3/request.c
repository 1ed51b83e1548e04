#include "s3/client.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/signals.h"
#include "crypto/encode.h"
#include "crypto/md5.h"
#include "crypto/sha256.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum {
    FIRST_WAIT_MS = 100,
    LONGEST_WAIT_MS = 5000,
    REGIONS_MAX = 2,   /* redirections of one call */
    OWN_HEADERS = 8,   /* of every request */
    SKEW_SECONDS = 60, /* less is no reason for a refusal */
};

static uint64_t at_most(uint64_t limit, uint64_t value)
{
    return value < limit ? value : limit;
}

/* ---- one signed request ---- */

struct signed_request {
    struct buf path, query, url, authorization;
    char date[AWS_DATE_SIZE + 1], sha256[SHA256_HEX_SIZE + 1];
    char checksum[ENCODE_BASE64_SIZE(SHA256_SIZE) + 1];
    char content_md5[ENCODE_BASE64_SIZE(MD5_SIZE) + 1];
    struct http_header headers[S3_HEADERS_MAX + OWN_HEADERS];
    size_t count;
};

static void forget(struct signed_request *request)
{
    buf_free(&request->path);
    buf_free(&request->query);
    buf_free(&request->url);
    buf_free(&request->authorization);
}

static void add(struct signed_request *request, const char *name, const char *value)
{
    request->headers[request->count++] = (struct http_header){name, value};
}

static int get_keys(struct s3_client *client, struct aws_keys *keys, struct error *error)
{
    const struct s3_options *s3 = &client->options->s3;
    if (client->credentials)
        return aws_credentials_get(client->credentials, keys, error);
    *keys = (struct aws_keys){s3->access_key, s3->secret_key, NULL};
    return 0;
}

static int digest_body(const struct s3_call *call, struct signed_request *request,
                       struct error *error)
{
    unsigned char digest[SHA256_SIZE];
    if (sha256_of(call->body ? call->body : "", call->body_size, digest, error))
        return -1;
    encode_hex(digest, sizeof digest, request->sha256);
    encode_base64(digest, sizeof digest, request->checksum);
    return 0;
}

static int add_md5(struct s3_client *client, const struct s3_call *call,
                   struct signed_request *request, struct error *error)
{
    unsigned char digest[MD5_SIZE];
    /* DeleteObjects must have one. */
    if (!call->body || (!client->with_digests && strcmp(call->method, "POST") != 0))
        return 0;
    if (md5(call->body, call->body_size, digest, error))
        return -1;
    encode_base64(digest, sizeof digest, request->content_md5);
    add(request, "content-md5", request->content_md5);
    return 0;
}

static int write_url(struct s3_client *client, const struct s3_call *call,
                     struct signed_request *request, struct error *error)
{
    const char *key = call->key ? call->key : "";
    bool slash = call->key || !*client->place.root;
    if (buf_printf(&request->path, error, "%s%s", client->place.root, slash ? "/" : "") ||
        aws_encode_path(key, &request->path, error) ||
        aws_encode_query(call->query, call->query_count, &request->query, error))
        return -1;
    return buf_printf(&request->url, error, "%s%s%s%s", client->place.origin, request->path.data,
                      call->query_count ? "?" : "", request->query.data ? request->query.data : "");
}

static int sign(struct s3_client *client, const struct s3_call *call,
                struct signed_request *request, struct error *error)
{
    struct aws_keys keys;
    time_t now = s3_client_time(client);
    aws_date(now, request->date);
    if (get_keys(client, &keys, error) || write_url(client, call, request, error) ||
        digest_body(call, request, error))
        return -1;
    add(request, "host", client->place.host);
    add(request, "x-amz-content-sha256", request->sha256);
    add(request, "x-amz-date", request->date);
    if (keys.session_token)
        add(request, "x-amz-security-token", keys.session_token);
    if (client->options->s3.requester_pays)
        add(request, "x-amz-request-payer", "requester");
    if (call->checksum)
        add(request, "x-amz-checksum-sha256", request->checksum);
    if (add_md5(client, call, request, error))
        return -1;
    for (size_t i = 0; i < call->header_count; i++)
        add(request, call->headers[i].name, call->headers[i].value);
    const struct aws_signing signing = {
        .access_key = keys.access_key,
        .secret_key = keys.secret_key,
        .region = client->place.region,
        .service = "s3",
        .time = now,
        .method = call->method,
        .path = request->path.data,
        .query = call->query,
        .query_count = call->query_count,
        .headers = request->headers,
        .header_count = request->count,
        .payload_sha256 = request->sha256,
    };
    if (aws_sign(&signing, &request->authorization, error))
        return -1;
    add(request, "authorization", request->authorization.data);
    return 0;
}

static struct http_exchange *send_once(struct s3_client *client, const struct s3_call *call,
                                       struct error *error)
{
    struct signed_request request = {.count = 0};
    struct http_exchange *exchange = NULL;
    if (sign(client, call, &request, error) == 0) {
        const struct http_request http = {
            .method = call->method,
            .url = request.url.data,
            .headers = request.headers,
            .header_count = request.count,
            .body = call->body,
            .body_size = call->body_size,
            .to_the_end = call->to_the_end,
        };
        exchange = http_start(client->http, &http, error);
    }
    forget(&request);
    return exchange;
}

/* ---- again? ---- */

struct attempts {
    uint64_t made;
    uint64_t deadline; /* clock_now_ms; 0 until something has failed */
    unsigned regions;
    bool new_clock, new_keys, new_digests;
};

static uint64_t random_up_to(uint64_t limit)
{
    uint64_t number = 0;
    if (getrandom(&number, sizeof number, GRND_NONBLOCK) != (ssize_t)sizeof number)
        number = clock_now_ms();
    return number % (limit + 1);
}

/* "Full jitter": clients that failed together do not come back together. */
static uint64_t choose_wait(const struct attempts *attempts, uint64_t asked_for)
{
    uint64_t longest = FIRST_WAIT_MS;
    for (uint64_t i = 1; i < attempts->made && longest < LONGEST_WAIT_MS; i++)
        longest *= 2;
    return asked_for ? asked_for : random_up_to(at_most(LONGEST_WAIT_MS, longest));
}

/* Waits for the next attempt; false when there is to be none. */
static bool wait_again(struct s3_client *client, struct attempts *attempts, uint64_t asked_for)
{
    uint64_t now = clock_now_ms();
    if (!attempts->deadline)
        attempts->deadline = now + client->options->timeout;
    uint64_t wait = choose_wait(attempts, asked_for);
    if (attempts->made > client->options->retries || now + wait >= attempts->deadline)
        return false;
    for (uint64_t until = now + wait; now < until && !signals_caught(); now = clock_now_ms())
        clock_sleep_ms(until - now);
    return !signals_caught();
}

static bool correct_clock(struct s3_client *client, struct attempts *attempts)
{
    time_t offset = client->failure.server_time - time(NULL);
    if (!client->failure.server_time || attempts->new_clock ||
        (offset < SKEW_SECONDS && offset > -SKEW_SECONDS))
        return false;
    attempts->new_clock = true;
    client->clock_offset = offset;
    log_warning("this machine's clock is %" PRId64 " seconds %s that of %s, which refuses what is "
                "signed so; its own time is used now: set the clock right",
                (int64_t)(offset < 0 ? -offset : offset), offset < 0 ? "ahead of" : "behind",
                client->place.host);
    return true;
}

static bool change_region(struct s3_client *client, struct attempts *attempts, struct error *error)
{
    const char *region = client->failure.region;
    if (!*region || strcmp(region, client->place.region) == 0 || attempts->regions++ >= REGIONS_MAX)
        return false;
    log_info("the bucket %s is in region %s", client->place.bucket, region);
    return s3_place_move(&client->place, region, client->options->s3.addressing, error) == 0;
}

static bool once(bool *done)
{
    bool first = !*done;
    *done = true;
    return first;
}

static bool remedied(struct s3_client *client, struct attempts *attempts, struct error *error)
{
    const struct s3_failure *failure = &client->failure;
    switch (failure->remedy) {
    case S3_GIVE_UP:
        return false;
    case S3_AGAIN:
        return wait_again(client, attempts, failure->wait_ms);
    case S3_NEW_REGION:
        return change_region(client, attempts, error);
    case S3_NEW_CLOCK:
        return correct_clock(client, attempts);
    case S3_NEW_KEYS:
        return once(&attempts->new_keys) && client->credentials &&
               aws_credentials_expired(client->credentials);
    case S3_WITH_DIGESTS:
        return once(&attempts->new_digests) && once(&client->with_digests);
    }
    return false;
}

/* Cut, since the server's text is. */
static bool quotes(const char *text, const char *secret)
{
    enum { ENOUGH = 16 };
    char begin[ENOUGH + 1];
    snprintf(begin, sizeof begin, "%s", secret ? secret : "");
    return *begin && strstr(text, begin);
}

/* A server, or what stands before it, may quote the request that it does not like. */
static void hide_secrets(struct s3_client *client, const struct s3_call *call)
{
    static const char customer_key[] = "x-amz-server-side-encryption-customer-key";
    struct s3_failure *failure = &client->failure;
    struct aws_keys keys = {0};
    struct error ignored;
    bool quoted = get_keys(client, &keys, &ignored) || quotes(failure->text, keys.secret_key) ||
                  quotes(failure->text, keys.session_token);
    for (size_t i = 0; i < call->header_count && !quoted; i++)
        quoted = strcmp(call->headers[i].name, customer_key) == 0 &&
                 quotes(failure->text, call->headers[i].value);
    if (quoted)
        *failure->text = '\0';
}

/* After an answer that is no success, or none at all: true when the call should be sent again. */
static bool again_after_answer(struct s3_client *client, const struct s3_call *call,
                               struct attempts *attempts, struct error *error)
{
    hide_secrets(client, call);
    s3_failure_tell(&client->failure, error);
    if (!call->key && error->class == ERROR_MISSING)
        error->class = ERROR_UNREACHABLE; /* a bucket has no key that could be missing */
    return remedied(client, attempts, error);
}

static bool again_after_silence(struct s3_client *client, struct attempts *attempts,
                                const struct error *error)
{
    client->failure = (struct s3_failure){.class = error->class};
    return error->class == ERROR_UNREACHABLE && !http_failed_for_good(client->http) &&
           wait_again(client, attempts, 0);
}

static bool succeeded(const struct http_exchange *exchange)
{
    return http_status(exchange) >= 200 && http_status(exchange) <= 299;
}

/* One attempt after the other until one succeeds or the rest would be of no use. */
static struct http_exchange *start(struct s3_client *client, const struct s3_call *call,
                                   struct attempts *attempts, struct error *error)
{
    client->failure = (struct s3_failure){0};
    for (bool again = true; again;) {
        if (attempts->made++ && call->before_again && call->before_again(call->context, error))
            return NULL;
        struct http_exchange *exchange = send_once(client, call, error);
        if (exchange && succeeded(exchange))
            return exchange;
        if (exchange) {
            s3_failure_read(exchange, strcmp(call->method, "HEAD") == 0, &client->failure);
            http_finish(exchange);
            again = again_after_answer(client, call, attempts, error);
        } else {
            again = again_after_silence(client, attempts, error);
        }
    }
    signals_check(error);
    return NULL;
}

struct http_exchange *s3_start(struct s3_client *client, const struct s3_call *call,
                               struct error *error)
{
    struct attempts attempts = {.made = 0};
    return start(client, call, &attempts, error);
}

static void read_made(const struct http_exchange *exchange, struct s3_made *made)
{
    const char *etag = http_answer_header(exchange, "ETag");
    const char *version = http_answer_header(exchange, "x-amz-version-id");
    made->status = http_status(exchange);
    snprintf(made->etag, sizeof made->etag, "%s", etag ? etag : "");
    snprintf(made->version, sizeof made->version, "%s", version ? version : "");
}

int s3_call(struct s3_client *client, const struct s3_call *call, size_t limit, struct buf *body,
            struct error *error)
{
    struct attempts attempts = {.made = 0};
    struct buf own = {0}, *answer = body ? body : &own;
    int result = -1;
    for (bool again = true; again && result;) {
        struct http_exchange *exchange = start(client, call, &attempts, error);
        if (!exchange)
            break;
        answer->length = 0;
        if (http_read_all(exchange, limit, answer, error))
            again = again_after_silence(client, &attempts, error);
        else if (s3_failure_in_body(answer, &client->failure))
            again = again_after_answer(client, call, &attempts, error);
        else
            result = 0;
        if (result == 0 && call->made)
            read_made(exchange, call->made);
        http_finish(exchange);
    }
    buf_free(&own);
    return result;
}

/* 201 and 204 are what Ceph can be told to answer (rgw_s3_success_create_obj_status). */
int s3_put(struct s3_client *client, const struct s3_call *call, struct error *error)
{
    enum { BODY_MAX = 64 * 1024 };
    struct buf body = {0};
    int result = s3_call(client, call, BODY_MAX, &body, error);
    size_t length = body.length;
    buf_free(&body);
    if (result)
        return -1;
    const struct s3_made *made = call->made;
    bool is_made = made->status == 200 || made->status == 201 || made->status == 204;
    if (is_made && *made->etag && length == 0)
        return 0;
    return error_set(error, ERROR_UNREACHABLE,
                     "what answers is no S3 server (status %d %s an ETag, %s a body): a proxy in "
                     "between?",
                     made->status, *made->etag ? "with" : "without", length ? "with" : "without");
}
