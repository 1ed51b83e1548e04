/* aws/http.h - HTTP and HTTPS by libcurl, which is loaded when the first client is opened. Only
 * for files of this room.
 *
 * Bodies that are sent lie in memory, since they are signed before; bodies that come are read
 * piece by piece. Redirects are never followed, nothing is tried again here, proxies are as
 * curl's environment variables say. Certificates and host names are always checked.
 *
 * Every failure of the network, of TLS or of the other side is ERROR_UNREACHABLE with the reason;
 * ERROR_USAGE for a CA file, a URL, a proxy or a header that can't be used, ERROR_SYSTEM when
 * libcurl or memory is missing, ERROR_INTERRUPTED.
 */
#ifndef AWS_HTTP_H
#define AWS_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"

struct error;
struct http;
struct http_exchange;

/* Texts are copied. */
struct http_options {
    const char *ca_file; /* PEM; NULL: the system's */
    uint64_t connect_ms; /* for name, connection and TLS together */
    uint64_t stall_ms;   /* an exchange in which hardly a byte moves for so long has failed */
    uint64_t limit_rate; /* bytes per second in each direction; 0: no limit. A pause that it makes
                            is no stall */
    bool direct;         /* never by a proxy: for addresses of this machine's own network */
};

/* A client, which keeps connections for the next exchange. The caller closes it, after its
 * exchanges; NULL is allowed. */
struct http *http_open(const struct http_options *options, struct error *error);
void http_close(struct http *http);

struct http_header {
    const char *name;
    const char *value;
};

/* Borrowed until the exchange is closed. */
struct http_request {
    const char *method; /* "GET", "HEAD", "PUT", "POST" or "DELETE" */
    const char *url;    /* sent as it is: encoded already */
    const struct http_header *headers;
    size_t header_count;
    const void *body; /* NULL: none */
    size_t body_size; /* bytes */
    bool to_the_end;  /* also when a signal asks to stop: for what must be tidied up */
};

/* Sends the request and waits until the head of the answer is there. NULL on failure. Several
 * exchanges of a client may be open at a time. */
struct http_exchange *http_start(struct http *http, const struct http_request *request,
                                 struct error *error);

int http_status(const struct http_exchange *exchange);

/* The value of an answer's header (its name in any case), NULL when there is none. */
const char *http_answer_header(const struct http_exchange *exchange, const char *name);

/* Calls visit for every header of the answer. */
void http_answer_headers(const struct http_exchange *exchange,
                         void (*visit)(void *context, const char *name, const char *value),
                         void *context);

/* The body: fills at most `size` bytes; 0 is its end, when all that was announced has come, and,
 * with status 2xx, all of the request has been sent. */
ssize_t http_read(struct http_exchange *exchange, void *data, size_t size, struct error *error);

/* The rest of the body, appended. ERROR_UNREACHABLE when it is longer than `limit` bytes, or takes
 * longer than four times stall_ms: no honest answer is, or does. */
int http_read_all(struct http_exchange *exchange, size_t limit, struct buf *body,
                  struct error *error);

/* Ends it; what was not read is dropped, with the connection. NULL is allowed. */
void http_finish(struct http_exchange *exchange);

/* After a failure: would the same request fail again, whatever happens meanwhile? (A certificate
 * that is not trusted, a wrong URL.) */
bool http_failed_for_good(const struct http *http);

#endif
