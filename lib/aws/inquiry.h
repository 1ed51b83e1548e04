/* aws/inquiry.h - one small request to a service that hands out credentials. Only for files
 * of this room. */
#ifndef AWS_INQUIRY_H
#define AWS_INQUIRY_H

#include "aws/http.h"

/* Sends it and reads the answer, whatever its status, which is returned; or -1 as http.h says it,
 * also when the answer is longer than 64 KiB. The caller wipes `answer` (secret_buf_free), also
 * after a failure. */
int aws_inquire(const struct http_options *options, const struct http_request *request,
                struct buf *answer, struct error *error);

#endif
