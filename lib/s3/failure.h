/* s3/failure.h - what an S3 server's refusal means: which class of error, and whether to
 * ask again. Only for files of this room. The codes are those of AWS, "Error responses" of S3, and
 * of Ceph, MinIO and Swift where they differ. */
#ifndef S3_FAILURE_H
#define S3_FAILURE_H

#include <time.h>

#include "base/error.h"
#include "aws/http.h"

enum s3_remedy {
    S3_GIVE_UP,
    S3_AGAIN,        /* later */
    S3_NEW_REGION,   /* signed for the region that the answer names */
    S3_NEW_CLOCK,    /* signed with the server's time */
    S3_NEW_KEYS,     /* signed with credentials fetched anew */
    S3_WITH_DIGESTS, /* with a Content-MD5 */
};

struct s3_failure {
    int status;         /* of HTTP; 0: there was no answer */
    char code[64];      /* "NoSuchKey"; "" when the answer had none */
    char text[256];     /* the server's own explanation */
    char region[64];    /* that it names, or "" */
    time_t server_time; /* 0: unknown */
    uint64_t wait_ms;   /* that it asks for (Retry-After), 0: none */
    enum error_class class;
    enum s3_remedy remedy;
};

/* Reads an answer that is no success; `is_head`: without body, so that nothing can be told apart.
 */
void s3_failure_read(struct http_exchange *exchange, bool is_head, struct s3_failure *failure);

/* The same for an <Error> that stands in the body of an answer with status 200. False when the
 * body is none. */
bool s3_failure_in_body(const struct buf *body, struct s3_failure *failure);

/* Sets class and message: "403 AccessDenied: Access Denied (hint)". Returns -1. */
int s3_failure_tell(const struct s3_failure *failure, struct error *error);

#endif
