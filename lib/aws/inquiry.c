#include "aws/inquiry.h"

enum { ANSWER_MAX = 64 * 1024 };

int aws_inquire(const struct http_options *options, const struct http_request *request,
                struct buf *answer, struct error *error)
{
    int status = -1;
    struct http *http = http_open(options, error);
    struct http_exchange *exchange = http ? http_start(http, request, error) : NULL;
    /* Room for all that is read before it is too much: the buffer must not move. */
    if (exchange && buf_reserve(answer, 2 * ANSWER_MAX, error) == 0 &&
        http_read_all(exchange, ANSWER_MAX, answer, error) == 0)
        status = http_status(exchange);
    http_finish(exchange);
    http_close(http);
    return status;
}
