#include "aws/http_exchange.h"
#include "base/clock.h"
#include "base/secret.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    PENDING_MAX = 512 * 1024, /* bytes of a body that may wait to be read */
    HEADERS_MAX = 64 * 1024,  /* bytes of an answer's head */
};

/* ---- what libcurl calls ---- */

static int note_socket(void *context, curl_socket_t fd, curlsocktype purpose)
{
    struct http *http = context;
    (void)purpose;
    http->last_socket = fd;
    return CURL_SOCKOPT_OK;
}

static size_t provide_body(char *data, size_t size, size_t count, void *context)
{
    struct http_exchange *exchange = context;
    size_t left = exchange->body_size - exchange->body_sent;
    size_t n = size * count < left ? size * count : left;
    if (n)
        memcpy(data, exchange->body + exchange->body_sent, n);
    exchange->body_sent += n;
    return n;
}

static int seek_body(void *context, curl_off_t offset, int origin)
{
    struct http_exchange *exchange = context;
    if (origin != SEEK_SET || offset < 0 || (uint64_t)offset > exchange->body_size)
        return CURL_SEEKFUNC_FAIL;
    exchange->body_sent = (size_t)offset;
    return CURL_SEEKFUNC_OK;
}

static size_t trimmed(const char *line, size_t length)
{
    while (length && strchr("\r\n \t", line[length - 1]))
        length--;
    return length;
}

static size_t take_header(char *line, size_t size, size_t count, void *context)
{
    struct http_exchange *exchange = context;
    size_t length = trimmed(line, size * count);
    long status = 0;
    exchange->http->curl.curl_easy_getinfo(exchange->easy, CURLINFO_RESPONSE_CODE, &status);
    if (length >= 5 && strncasecmp(line, "HTTP/", 5) == 0) {
        exchange->answer_headers.length = 0;
    } else if (length == 0) {
        exchange->status = status;
        exchange->head_done = status >= 200;
    } else if (exchange->answer_headers.length + length > HEADERS_MAX) {
        error_set(&exchange->failure, ERROR_UNREACHABLE, "the head of the answer has no end");
        return 0;
    } else if (buf_append(&exchange->answer_headers, line, length, &exchange->failure) ||
               buf_append(&exchange->answer_headers, "", 1, &exchange->failure)) {
        return 0;
    }
    return size * count;
}

static size_t take_body(char *data, size_t size, size_t count, void *context)
{
    struct http_exchange *exchange = context;
    struct buf *pending = &exchange->pending;
    if (pending->length - exchange->pending_used >= PENDING_MAX) {
        exchange->paused = true;
        return CURL_WRITEFUNC_PAUSE;
    }
    return buf_append(pending, data, size * count, &exchange->failure) ? 0 : size * count;
}

/* ---- the request ---- */

static bool set_method(struct http_exchange *exchange, const struct http_request *request)
{
    struct http_functions *curl = &exchange->http->curl;
    CURL *easy = exchange->easy;
    CURLcode code = CURLE_OK;
#define SET(option, value) code = code ? code : curl->curl_easy_setopt(easy, option, value)
    if (strcmp(request->method, "PUT") == 0) {
        SET(CURLOPT_UPLOAD, 1L);
        SET(CURLOPT_INFILESIZE_LARGE, (curl_off_t)request->body_size);
    } else if (strcmp(request->method, "POST") == 0) {
        SET(CURLOPT_POST, 1L);
        SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_size);
    } else if (strcmp(request->method, "HEAD") == 0) {
        SET(CURLOPT_NOBODY, 1L);
    } else {
        SET(CURLOPT_CUSTOMREQUEST, request->method);
    }
    SET(CURLOPT_READFUNCTION, provide_body);
    SET(CURLOPT_READDATA, exchange);
    SET(CURLOPT_SEEKFUNCTION, seek_body);
    SET(CURLOPT_SEEKDATA, exchange);
    return code == CURLE_OK;
}

static bool set_options(struct http_exchange *exchange, const struct http_request *request)
{
    struct http_functions *curl = &exchange->http->curl;
    const struct http_options *options = &exchange->http->options;
    CURL *easy = exchange->easy;
    CURLcode code = CURLE_OK;
    SET(CURLOPT_URL, request->url);
    SET(CURLOPT_PATH_AS_IS,
        1L); /* else "/../" in a key would be resolved, and not be what was signed */
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_PRIVATE, exchange);
    SET(CURLOPT_ERRORBUFFER, exchange->reason);
    SET(CURLOPT_HTTPHEADER, exchange->headers);
    SET(CURLOPT_USERAGENT, "waltools/" WALTOOLS_VERSION);
    SET(CURLOPT_SOCKOPTFUNCTION, note_socket);
    SET(CURLOPT_SOCKOPTDATA, exchange->http);
    SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    SET(CURLOPT_HEADERFUNCTION, take_header);
    SET(CURLOPT_HEADERDATA, exchange);
    SET(CURLOPT_WRITEFUNCTION, take_body);
    SET(CURLOPT_WRITEDATA, exchange);
    SET(CURLOPT_BUFFERSIZE, (long)http_buffer_size(options, HTTP_DOWNLOAD_BUFFER));
    SET(CURLOPT_UPLOAD_BUFFERSIZE, (long)http_buffer_size(options, HTTP_UPLOAD_BUFFER));
    SET(CURLOPT_CONNECTTIMEOUT_MS, (long)options->connect_ms);
    SET(CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2);
    SET(CURLOPT_MAX_SEND_SPEED_LARGE, (curl_off_t)options->limit_rate);
    SET(CURLOPT_MAX_RECV_SPEED_LARGE, (curl_off_t)options->limit_rate);
    if (options->ca_file)
        SET(CURLOPT_CAINFO, options->ca_file);
    if (options->direct)
        SET(CURLOPT_PROXY, "");
#undef SET
    return code == CURLE_OK;
}

static int add_header(struct http_exchange *exchange, struct buf *line, const char *name,
                      const char *value, struct error *error)
{
    line->length = 0;
    for (const unsigned char *c = (const unsigned char *)value; *c; c++)
        if ((*c < ' ' && *c != '\t') || *c == 0x7f)
            return error_set(error, ERROR_USAGE,
                             "%s holds a line break or another control character", name);
    /* libcurl's way to say that a header is there, but empty */
    if (buf_printf(line, error, *value ? "%s: %s" : "%s;", name, value))
        return -1;
    struct curl_slist *longer =
        exchange->http->curl.curl_slist_append(exchange->headers, line->data);
    if (!longer)
        return error_memory(error);
    exchange->headers = longer;
    return 0;
}

static int set_headers(struct http_exchange *exchange, const struct http_request *request,
                       struct error *error)
{
    struct buf line = {0};
    /* Without waiting for "100 Continue", which costs a round trip. */
    struct curl_slist *longer = exchange->http->curl.curl_slist_append(NULL, "Expect:");
    exchange->headers = longer;
    int result = longer ? 0 : error_memory(error);
    for (size_t i = 0; result == 0 && i < request->header_count; i++)
        result =
            add_header(exchange, &line, request->headers[i].name, request->headers[i].value, error);
    secret_buf_free(&line);
    return result;
}

static int begin(struct http_exchange *exchange, const struct http_request *request,
                 struct error *error)
{
    struct http *http = exchange->http;
    exchange->easy = http->curl.curl_easy_init();
    if (!exchange->easy)
        return error_memory(error);
    if (set_headers(exchange, request, error))
        return -1;
    if (!set_options(exchange, request) || !set_method(exchange, request))
        return error_set(error, ERROR_SYSTEM, "libcurl does not take an option: it is too old");
    if (http->curl.curl_multi_add_handle(http->multi, exchange->easy) != CURLM_OK)
        return error_memory(error);
    exchange->added = true;
    exchange->moved_at = clock_now_ms();
    while (!exchange->head_done && !exchange->done)
        if (http_advance(exchange, error))
            return -1;
    exchange->left_at = clock_now_ms();
    return exchange->head_done ? 0 : http_failed(exchange, error);
}

struct http_exchange *http_start(struct http *http, const struct http_request *request,
                                 struct error *error)
{
    struct http_exchange *exchange = calloc(1, sizeof *exchange);
    if (!exchange) {
        error_memory(error);
        return NULL;
    }
    exchange->http = http;
    exchange->body = request->body;
    exchange->body_size = request->body_size;
    exchange->to_the_end = request->to_the_end;
    http->failed_for_good = false;
    if (begin(exchange, request, error) == 0)
        return exchange;
    http_finish(exchange);
    return NULL;
}

void http_finish(struct http_exchange *exchange)
{
    if (!exchange)
        return;
    struct http *http = exchange->http;
    if (exchange->added)
        http->curl.curl_multi_remove_handle(http->multi, exchange->easy);
    if (exchange->easy)
        http->curl.curl_easy_cleanup(exchange->easy);
    for (struct curl_slist *line = exchange->headers; line; line = line->next)
        explicit_bzero(line->data, strlen(line->data)); /* a token may be among them */
    http->curl.curl_slist_free_all(exchange->headers);
    buf_free(&exchange->answer_headers);
    secret_buf_free(&exchange->pending);
    free(exchange);
}
