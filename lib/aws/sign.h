/* aws/sign.h - AWS Signature Version 4: a pure function of what is signed. Specification: AWS,
 * "Signature Version 4 signing process", and "Authenticating Requests: Using the Authorization
 * Header" for S3.
 *
 * All functions here append; after a failure (ERROR_SYSTEM) a part may have been appended. */
#ifndef AWS_SIGN_H
#define AWS_SIGN_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "base/buf.h"
#include "aws/http.h"

struct error;

struct aws_parameter {
    const char *name; /* neither is encoded */
    const char *value;
};

/* Everything is borrowed. */
struct aws_signing {
    const char *access_key;
    const char *secret_key;
    const char *region;  /* "us-east-1" */
    const char *service; /* "s3", "sts" */
    time_t time;
    const char *method;
    const char *path; /* absolute, encoded already (aws_encode_path); signed as it is */
    const struct aws_parameter *query;
    size_t query_count;
    const struct http_header *headers; /* all are signed, in any order; host and x-amz-date, which
                                        * says `time`, must be there */
    size_t header_count;
    const char *payload_sha256; /* lower-case hex */
};

enum { AWS_DATE_SIZE = 16 /* 20130524T000000Z */ };

/* The time as x-amz-date has it; "" outside of the years 1000 to 9999. */
void aws_date(time_t time, char text[AWS_DATE_SIZE + 1]);

/* Appends the value of the Authorization header. ERROR_SYSTEM. */
int aws_sign(const struct aws_signing *signing, struct buf *authorization, struct error *error);

/* Append percent-encoded text (RFC 3986: all but unreserved characters, upper-case hex, UTF-8 by
 * bytes). A path keeps its '/'. */
int aws_encode(const char *text, struct buf *out, struct error *error);
int aws_encode_path(const char *path, struct buf *out, struct error *error);

/* Appends the query string in canonical order (by encoded name, then by encoded value), without
 * '?'; it is used in the URL too, so that what is sent is what was signed. A parameter with value
 * "" is "name=". */
int aws_encode_query(const struct aws_parameter *query, size_t count, struct buf *out,
                     struct error *error);

#endif
