/* s3/client.h - what the requests to one bucket share. Only for request.c and client.c; the
 * contract of s3_client_open and its like is request.h's. */
#ifndef S3_CLIENT_H
#define S3_CLIENT_H

#include "aws/credentials.h"
#include "s3/request.h"

struct s3_client {
    const struct storage_options *options;
    struct s3_place place;
    struct aws_credentials *credentials; /* NULL: the keys are in the options */
    struct http *http;
    struct s3_failure failure;
    time_t clock_offset; /* seconds that the server's clock is ahead of ours */
    bool with_digests;
};

#endif
