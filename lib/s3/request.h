/* s3/request.h - signed requests to one bucket, tried again as long as that can help. Only
 * for files of this room. */
#ifndef S3_REQUEST_H
#define S3_REQUEST_H

#include "aws/http.h"
#include "storage/options.h"
#include "s3/failure.h"
#include "s3/place.h"
#include "aws/sign.h"

struct error;
struct s3_client;

/* `options` is borrowed until the client is closed, `bucket` is copied. Nothing is sent yet. The
 * caller closes it; NULL is allowed. ERROR_USAGE for settings that can't be. */
struct s3_client *s3_client_open(const char *bucket, const struct storage_options *options,
                                 struct error *error);
void s3_client_close(struct s3_client *client);

const struct s3_place *s3_client_place(const struct s3_client *client);

/* Now, by the server's clock as far as it is known to differ. */
time_t s3_client_time(const struct s3_client *client);

/* What the answer to a write says of what was made; "" for what it does not. */
struct s3_made {
    int status;
    char etag[256];
    char version[1100]; /* of a bucket with versioning; AWS: at most 1,024 bytes */
};

/* Everything is borrowed until the call returns, the body until the exchange is finished. */
struct s3_call {
    const char *method;
    const char *key; /* not encoded; NULL: the bucket itself */
    const struct aws_parameter *query;
    size_t query_count;
    const struct http_header *headers; /* besides those that every request has */
    size_t header_count;
    const void *body;
    size_t body_size;
    bool to_the_end; /* as http_request's */
    bool checksum;   /* its SHA-256, which is signed, also as x-amz-checksum-sha256: AWS keeps that
                        with the object, and wants it in a bucket with Object Lock */
    struct s3_made *made; /* what s3_call shall fill in; NULL: nothing */
    /* Asked before it is sent again: -1, with an error, ends the call instead. NULL: nobody. */
    int (*before_again)(void *context, struct error *error);
    void *context;
};

enum { S3_HEADERS_MAX = 32 }; /* of one call */

/* Sends it, and again after a failure that may pass: at most `retries` times, with a growing wait
 * that is random to its full length (or as the server asks), while `timeout` since the first
 * failure has not passed; signed anew each time. Returns the answer, whose status is 2xx, for
 * http_finish; or NULL: ERROR_MISSING for a key that is not there, ERROR_EXISTS for a condition
 * that is not met (412), which may be our own success when the answer to it was lost,
 * ERROR_UNREACHABLE, ERROR_USAGE (no credentials), ERROR_SYSTEM, ERROR_INTERRUPTED. */
struct http_exchange *s3_start(struct s3_client *client, const struct s3_call *call,
                               struct error *error);

/* The same with the whole body of the answer, which is tried again too when it is cut off, or when
 * it is an <Error>. ERROR_UNREACHABLE for more than `limit` bytes. `body` may be NULL. */
int s3_call(struct s3_client *client, const struct s3_call *call, size_t limit, struct buf *body,
            struct error *error);

/* A PUT that makes an object or a part; call->made is needed. Only what an S3 server answers to it
 * is success: status 200, 201 or 204, an ETag and no body. That of a proxy which wants to be logged
 * in to, or of any other server, is ERROR_UNREACHABLE. Else as s3_call. */
int s3_put(struct s3_client *client, const struct s3_call *call, struct error *error);

/* What the server said when s3_start or s3_call last failed. */
const struct s3_failure *s3_client_failure(const struct s3_client *client);

#endif
