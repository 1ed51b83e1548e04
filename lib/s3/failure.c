#include "s3/failure.h"
#include "aws/xml.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BODY_MAX = 64 * 1024, WAIT_MAX_SECONDS = 3600 };

/* The first line that fits decides. Status 0 and code NULL fit any. */
static const struct rule {
    int status;
    const char *code;
    enum error_class class;
    enum s3_remedy remedy;
    const char *hint;
} rules[] = {
    {0, "QuotaExceeded", ERROR_SYSTEM, S3_GIVE_UP, "the quota is used up"},
    {404, "NoSuchKey", ERROR_MISSING, S3_GIVE_UP, NULL},
    {404, "NoSuchBucket", ERROR_UNREACHABLE, S3_GIVE_UP,
     "the bucket does not exist; it is never created here"},
    {404, "NoSuchUpload", ERROR_MISSING, S3_GIVE_UP, NULL},
    {404, NULL, ERROR_UNREACHABLE, S3_GIVE_UP, "is this an S3 server?"},
    {412, NULL, ERROR_EXISTS, S3_GIVE_UP, NULL},
    /* Another conditional write of the same key is on its way: 412 or 200 will be the answer. */
    {409, "ConditionalRequestConflict", ERROR_UNREACHABLE, S3_AGAIN, NULL},
    {409, "OperationAborted", ERROR_UNREACHABLE, S3_AGAIN, NULL},
    {0, "RequestTimeTooSkewed", ERROR_UNREACHABLE, S3_NEW_CLOCK, "set this machine's clock"},
    {0, "ExpiredToken", ERROR_UNREACHABLE, S3_NEW_KEYS, "the credentials have expired"},
    {0, "ExpiredTokenException", ERROR_UNREACHABLE, S3_NEW_KEYS, "the credentials have expired"},
    {0, "TokenRefreshRequired", ERROR_UNREACHABLE, S3_NEW_KEYS, "the credentials have expired"},
    {400, "AuthorizationHeaderMalformed", ERROR_UNREACHABLE, S3_NEW_REGION, "set s3-region"},
    {400, "IllegalLocationConstraintException", ERROR_UNREACHABLE, S3_NEW_REGION, "set s3-region"},
    {301, NULL, ERROR_UNREACHABLE, S3_NEW_REGION,
     "a redirect, which is not followed: set s3-region or s3-endpoint"},
    {302, NULL, ERROR_UNREACHABLE, S3_GIVE_UP,
     "a redirect, which is not followed: is this an S3 server?"},
    {307, NULL, ERROR_UNREACHABLE, S3_NEW_REGION,
     "a redirect, which is not followed: set s3-region or s3-endpoint"},
    {308, NULL, ERROR_UNREACHABLE, S3_NEW_REGION,
     "a redirect, which is not followed: set s3-region or s3-endpoint"},
    {0, "InvalidAccessKeyId", ERROR_UNREACHABLE, S3_GIVE_UP, "the access key is wrong"},
    {0, "SignatureDoesNotMatch", ERROR_UNREACHABLE, S3_GIVE_UP,
     "the secret key does not belong to the access key"},
    /* Ceph says so of a token that has expired. */
    {403, "AccessDenied", ERROR_UNREACHABLE, S3_NEW_KEYS,
     "what these credentials may do is not enough; walpush(1) lists what is needed"},
    {403, "InvalidObjectState", ERROR_UNREACHABLE, S3_GIVE_UP,
     "the object lies in an archive class: restore it first"},
    {403, NULL, ERROR_UNREACHABLE, S3_GIVE_UP,
     "what these credentials may do is not enough; walpush(1) lists what is needed"},
    {400, "RequestTimeout", ERROR_UNREACHABLE, S3_AGAIN, NULL},
    {400, "IncompleteBody", ERROR_UNREACHABLE, S3_AGAIN, NULL},
    {400, "BadDigest", ERROR_UNREACHABLE, S3_AGAIN, "changed on its way"},
    {400, "XAmzContentSHA256Mismatch", ERROR_UNREACHABLE, S3_AGAIN, "changed on its way"},
    {400, "MissingContentMD5", ERROR_UNREACHABLE, S3_WITH_DIGESTS, NULL},
    /* So says AWS of a PUT into a bucket with Object Lock. */
    {400, "InvalidRequest", ERROR_UNREACHABLE, S3_WITH_DIGESTS, NULL},
    {429, NULL, ERROR_UNREACHABLE, S3_AGAIN, NULL},
    {501, NULL, ERROR_UNREACHABLE, S3_GIVE_UP, "the server can't do that"},
    {507, NULL, ERROR_SYSTEM, S3_GIVE_UP, "the storage is full"},
    {0, "SlowDown", ERROR_UNREACHABLE, S3_AGAIN, NULL},
    {0, "InternalError", ERROR_UNREACHABLE, S3_AGAIN, NULL},
    {0, "ServiceUnavailable", ERROR_UNREACHABLE, S3_AGAIN, NULL},
};

static bool fits(const struct rule *rule, const struct s3_failure *failure)
{
    return (rule->status == 0 || rule->status == failure->status) &&
           (!rule->code || strcmp(rule->code, failure->code) == 0);
}

static const struct rule *find_rule(const struct s3_failure *failure)
{
    static const struct rule server = {0, NULL, ERROR_UNREACHABLE, S3_AGAIN, NULL};
    static const struct rule other = {0, NULL, ERROR_UNREACHABLE, S3_GIVE_UP, NULL};
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (fits(&rules[i], failure))
            return &rules[i];
    return failure->status >= 500 ? &server : &other;
}

/* ---- reading ---- */

static int take_element(void *context, const char *path, const char *text, struct error *error)
{
    struct s3_failure *failure = context;
    (void)error;
    if (strcmp(path, "Code") == 0)
        snprintf(failure->code, sizeof failure->code, "%s", text);
    else if (strcmp(path, "Message") == 0)
        snprintf(failure->text, sizeof failure->text, "%s", text);
    else if (strcmp(path, "Region") == 0)
        snprintf(failure->region, sizeof failure->region, "%s", text);
    return 0;
}

/* A body that is no <Error> leaves the code empty: then only the status counts. */
static void read_body(const char *body, size_t size, struct s3_failure *failure)
{
    struct error ignored;
    struct s3_failure found = *failure;
    if (size && aws_xml_read(body, size, "Error", take_element, &found, &ignored) == 0)
        *failure = found;
}

static time_t read_date(const char *text)
{
    struct tm tm = {0};
    return text && strptime(text, "%a, %d %b %Y %H:%M:%S GMT", &tm) ? timegm(&tm) : 0;
}

/* In seconds; the form with a date is rare, and the usual waiting is right for it. */
static uint64_t read_wait(const char *text)
{
    char *end;
    if (!text || *text < '0' || *text > '9')
        return 0;
    unsigned long long seconds = strtoull(text, &end, 10);
    if (*end)
        return 0;
    return (seconds < WAIT_MAX_SECONDS ? seconds : WAIT_MAX_SECONDS) * 1000;
}

static void judge(struct s3_failure *failure)
{
    const struct rule *rule = find_rule(failure);
    failure->class = rule->class;
    failure->remedy = rule->remedy;
}

void s3_failure_read(struct http_exchange *exchange, bool is_head, struct s3_failure *failure)
{
    struct buf body = {0};
    struct error ignored;
    const char *region = http_answer_header(exchange, "x-amz-bucket-region");
    *failure = (struct s3_failure){
        .status = http_status(exchange),
        .server_time = read_date(http_answer_header(exchange, "Date")),
        .wait_ms = read_wait(http_answer_header(exchange, "Retry-After")),
    };
    bool whole = is_head || http_read_all(exchange, BODY_MAX, &body, &ignored) == 0;
    if (whole)
        read_body(body.data, body.length, failure);
    buf_free(&body);
    if (region)
        snprintf(failure->region, sizeof failure->region, "%s", region);
    if (is_head && failure->status == 404)
        snprintf(failure->code, sizeof failure->code, "NoSuchKey");
    judge(failure);
    if (!whole && failure->remedy == S3_GIVE_UP)
        failure->remedy = S3_AGAIN; /* what it would have said is not known */
}

bool s3_failure_in_body(const struct buf *body, struct s3_failure *failure)
{
    struct s3_failure found = {.status = 200};
    read_body(body->data, body->length, &found);
    if (!*found.code)
        return false;
    judge(&found);
    *failure = found;
    return true;
}

int s3_failure_tell(const struct s3_failure *failure, struct error *error)
{
    const char *hint = find_rule(failure)->hint;
    return error_set(error, failure->class, "the server answers %d%s%s%s%s%s%s%s", failure->status,
                     *failure->code ? " " : "", failure->code, *failure->text ? ": " : "",
                     failure->text, hint ? " (" : "", hint ? hint : "", hint ? ")" : "");
}
