#include "aws/http_exchange.h"
#include "base/clock.h"
#include "base/signals.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

enum {
    LOOK_MS = 200, /* how long a signal may have to wait to be seen */
    /* So many bytes have to move in each stall_ms; less is a stall that only looks alive. */
    PROGRESS_MIN = 4096,
    BUFFER_MIN = 16 * 1024, /* libcurl's, for uploads */
};

/* ---- failures ---- */

/* "https://host:port" of the URL, whose path and query are of no help. */
static int origin_length(const char *url)
{
    const char *host = strstr(url, "://");
    return host ? (int)(host + 3 - url + (ptrdiff_t)strcspn(host + 3, "/?")) : (int)strlen(url);
}

static const struct fatal {
    CURLcode code;
    enum error_class class;
} fatal[] = {
    {CURLE_URL_MALFORMAT, ERROR_USAGE},
    {CURLE_SSL_CACERT_BADFILE, ERROR_USAGE},
    {CURLE_PEER_FAILED_VERIFICATION, ERROR_UNREACHABLE},
};

static enum error_class classify(struct http *http, CURLcode code)
{
    for (size_t i = 0; i < sizeof fatal / sizeof *fatal; i++)
        if (fatal[i].code == code) {
            http->failed_for_good = true;
            return fatal[i].class;
        }
    return ERROR_UNREACHABLE;
}

/* libcurl quotes the URL of a proxy, with the password, when it can't make sense of it. */
static bool quotes_proxy(const struct http_exchange *exchange)
{
    return strstr(exchange->reason, "proxy") && strpbrk(exchange->reason, "@'");
}

int http_failed(struct http_exchange *exchange, struct error *error)
{
    struct http *http = exchange->http;
    if (exchange->failure.class != ERROR_NONE) {
        *error = exchange->failure;
        return -1;
    }
    if (quotes_proxy(exchange)) {
        http->failed_for_good = true;
        return error_set(error, ERROR_USAGE,
                         "the proxy's URL, in https_proxy or a variable like it, can't be used");
    }
    const char *url = NULL;
    http->curl.curl_easy_getinfo(exchange->easy, CURLINFO_EFFECTIVE_URL, &url);
    const char *reason =
        *exchange->reason ? exchange->reason : http->curl.curl_easy_strerror(exchange->result);
    if (exchange->result == CURLE_OUT_OF_MEMORY) /* so libcurl calls it too */
        reason = "the head of the answer has no end (or memory ran out)";
    return error_set(error, classify(http, exchange->result), "%.*s: %s",
                     url ? origin_length(url) : 0, url ? url : "", reason);
}

static int stalled(struct http_exchange *exchange, struct error *error)
{
    const char *url = NULL;
    exchange->http->curl.curl_easy_getinfo(exchange->easy, CURLINFO_EFFECTIVE_URL, &url);
    return error_set(error, ERROR_UNREACHABLE, "%.*s: no answer for %.1f seconds",
                     url ? origin_length(url) : 0, url ? url : "",
                     (double)exchange->http->options.stall_ms / 1000);
}

/* ---- progress ---- */

static uint64_t bytes_moved(struct http_exchange *exchange)
{
    curl_off_t up = 0, down = 0;
    struct http_functions *curl = &exchange->http->curl;
    curl->curl_easy_getinfo(exchange->easy, CURLINFO_SIZE_UPLOAD_T, &up);
    curl->curl_easy_getinfo(exchange->easy, CURLINFO_SIZE_DOWNLOAD_T, &down);
    return (uint64_t)up + (uint64_t)down + exchange->answer_headers.length;
}

/* An eighth of a second's worth, or libcurl's smallest. */
uint64_t http_buffer_size(const struct http_options *options, uint64_t largest)
{
    uint64_t size = options->limit_rate ? options->limit_rate / 8 : largest;
    return size < BUFFER_MIN ? BUFFER_MIN : size < largest ? size : largest;
}

/* A pause that the limit makes is not the other side's. */
static uint64_t patience(const struct http_options *options)
{
    uint64_t rate = options->limit_rate;
    return options->stall_ms +
           (rate ? http_buffer_size(options, HTTP_UPLOAD_BUFFER) * 1000 / rate : 0);
}

static uint64_t progress_wanted(const struct http_options *options)
{
    uint64_t possible = options->limit_rate * options->stall_ms / 4000;
    return !options->limit_rate || possible >= PROGRESS_MIN ? PROGRESS_MIN : possible + 1;
}

static int check_progress(struct http_exchange *exchange, struct error *error)
{
    uint64_t now = clock_now_ms(), moved = bytes_moved(exchange);
    if (moved >= exchange->moved + progress_wanted(&exchange->http->options)) {
        exchange->moved = moved;
        exchange->moved_at = now;
    }
    return now - exchange->moved_at < patience(&exchange->http->options) ? 0
                                                                         : stalled(exchange, error);
}

static void take_results(struct http *http)
{
    int left;
    for (CURLMsg *message; (message = http->curl.curl_multi_info_read(http->multi, &left));) {
        struct http_exchange *ended = NULL;
        CURLcode result = message->data.result;
        http->curl.curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &ended);
        if (ended) {
            ended->done = true;
            ended->result = result;
        }
    }
}

/* Servers whose TLS answers in several small packets (session tickets, then the answer) and that
 * have Nagle's algorithm on wait for our acknowledgement of the first, which the kernel would delay
 * for 40 milliseconds. The kernel forgets the option, so it is set before each wait. */
static void acknowledge_at_once(const struct http_exchange *exchange)
{
    int on = 1;
    if (exchange->body_sent == exchange->body_size)
        setsockopt(exchange->http->last_socket, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
}

int http_advance(struct http_exchange *exchange, struct error *error)
{
    struct http *http = exchange->http;
    bool head_before = exchange->head_done;
    size_t before = exchange->pending.length;
    int running;
    if (!exchange->to_the_end && signals_check(error))
        return -1;
    CURLMcode code = http->curl.curl_multi_perform(http->multi, &running);
    take_results(http);
    bool news =
        exchange->done || exchange->head_done != head_before || exchange->pending.length != before;
    if (code == CURLM_OK && !news) {
        acknowledge_at_once(exchange);
        code = http->curl.curl_multi_poll(http->multi, NULL, 0, LOOK_MS, NULL);
    }
    if (code != CURLM_OK)
        return error_set(error, ERROR_SYSTEM, "libcurl failed (%d)", (int)code);
    return exchange->done ? 0 : check_progress(exchange, error);
}
