#include "aws/http_exchange.h"
#include "base/clock.h"

#include <string.h>
#include <strings.h>

enum { WHOLE_STALLS = 4 /* times stall_ms is the most for an answer that is read as a whole */ };

int http_status(const struct http_exchange *exchange)
{
    return (int)exchange->status;
}

const char *http_answer_header(const struct http_exchange *exchange, const char *name)
{
    const struct buf *headers = &exchange->answer_headers;
    size_t length = strlen(name);
    for (size_t at = 0; at < headers->length; at += strlen(headers->data + at) + 1) {
        const char *line = headers->data + at;
        if (strncasecmp(line, name, length) == 0 && line[length] == ':')
            return line + length + 1 + strspn(line + length + 1, " \t");
    }
    return NULL;
}

void http_answer_headers(const struct http_exchange *exchange,
                         void (*visit)(void *context, const char *name, const char *value),
                         void *context)
{
    struct buf copy = {0};
    struct error ignored;
    const struct buf *headers = &exchange->answer_headers;
    if (buf_append(&copy, headers->data ? headers->data : "", headers->length, &ignored) == 0)
        for (size_t at = 0; at < copy.length;) {
            char *line = copy.data + at, *colon = strchr(line, ':');
            at += strlen(line) + 1;
            if (!colon)
                continue;
            *colon = '\0';
            visit(context, line, colon + 1 + strspn(colon + 1, " \t"));
        }
    buf_free(&copy);
}

/* Success before all of the body has been sent is none: libcurl lets it pass. */
static int check_end(struct http_exchange *exchange, struct error *error)
{
    if (exchange->result != CURLE_OK)
        return http_failed(exchange, error);
    if (exchange->status < 300 && exchange->body_sent < exchange->body_size)
        return error_set(error, ERROR_UNREACHABLE,
                         "the answer came before the whole request had been sent");
    return 0;
}

ssize_t http_read(struct http_exchange *exchange, void *data, size_t size, struct error *error)
{
    struct buf *pending = &exchange->pending;
    exchange->moved_at += clock_now_ms() - exchange->left_at; /* the reader's own time */
    while (pending->length == exchange->pending_used && !exchange->done) {
        pending->length = exchange->pending_used = 0;
        if (exchange->paused) {
            exchange->paused = false;
            exchange->http->curl.curl_easy_pause(exchange->easy, CURLPAUSE_CONT);
        } else if (http_advance(exchange, error)) {
            return -1;
        }
    }
    size_t ready = pending->length - exchange->pending_used;
    size_t n = ready < size ? ready : size;
    if (n)
        memcpy(data, pending->data + exchange->pending_used, n);
    exchange->pending_used += n;
    exchange->left_at = clock_now_ms();
    return n ? (ssize_t)n : check_end(exchange, error);
}

/* A server that drips would never stall. What the limit on the rate makes of it is not counted. */
static int check_whole(const struct http_exchange *exchange, uint64_t begun, size_t length,
                       struct error *error)
{
    const struct http_options *options = &exchange->http->options;
    uint64_t own = options->limit_rate ? (uint64_t)length * 1000 / options->limit_rate : 0;
    if (clock_now_ms() - begun <= WHOLE_STALLS * options->stall_ms + own)
        return 0;
    return error_set(error, ERROR_UNREACHABLE, "the answer does not come to an end in %.1f seconds",
                     (double)(WHOLE_STALLS * options->stall_ms) / 1000);
}

int http_read_all(struct http_exchange *exchange, size_t limit, struct buf *body,
                  struct error *error)
{
    enum { PORTION = 64 * 1024 };
    uint64_t begun = clock_now_ms();
    for (ssize_t n = 1; n > 0;) {
        if (check_whole(exchange, begun, body->length, error))
            return -1;
        if (buf_reserve(body, PORTION, error))
            return -1;
        n = http_read(exchange, body->data + body->length, PORTION, error);
        if (n < 0)
            return -1;
        body->length += (size_t)n;
        if (body->length > limit)
            return error_set(error, ERROR_UNREACHABLE, "an answer without end");
    }
    if (body->data)
        body->data[body->length] = '\0';
    return 0;
}
