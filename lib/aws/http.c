#include "aws/http.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/library.h"
#include "base/secret.h"
#include "base/signals.h"

#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#define LIBRARY "libcurl.so.4"

#define FUNCTIONS(_)                                                                               \
    _(curl_global_init)                                                                            \
    _(curl_easy_init)                                                                              \
    _(curl_easy_setopt)                                                                            \
    _(curl_easy_getinfo)                                                                           \
    _(curl_easy_pause)                                                                             \
    _(curl_easy_strerror)                                                                          \
    _(curl_easy_cleanup)                                                                           \
    _(curl_multi_init)                                                                             \
    _(curl_multi_add_handle)                                                                       \
    _(curl_multi_remove_handle)                                                                    \
    _(curl_multi_perform)                                                                          \
    _(curl_multi_info_read)                                                                        \
    _(curl_multi_poll)                                                                             \
    _(curl_multi_cleanup)                                                                          \
    _(curl_slist_append)                                                                           \
    _(curl_slist_free_all)

struct functions {
#define FIELD(name) __typeof__(&name) name;
    FUNCTIONS(FIELD)
#undef FIELD
};

enum {
    PENDING_MAX = 512 * 1024, /* bytes of a body that may wait to be read */
    HEADERS_MAX = 64 * 1024,  /* bytes of an answer's head */
    LOOK_MS = 200,            /* how long a signal may have to wait to be seen */
    /* So many bytes have to move in each stall_ms; less is a stall that only looks alive. */
    PROGRESS_MIN = 4096,
    BUFFER_MIN = 16 * 1024, /* libcurl's, for uploads */
    DOWNLOAD_BUFFER = 256 * 1024,
    UPLOAD_BUFFER = 512 * 1024,
    WHOLE_STALLS = 4, /* times stall_ms is the most for an answer that is read as a whole */
};

struct http {
    void *library;
    struct functions curl;
    CURLM *multi;
    char *ca_file;
    struct http_options options; /* its ca_file is the copy above */
    bool failed_for_good;
    int last_socket; /* of the newest connection; libcurl closes it */
};

struct http_exchange {
    struct http *http;
    CURL *easy;
    struct curl_slist *headers;
    const char *body;
    size_t body_size, body_sent;
    long status;
    struct buf answer_headers; /* "name: value\0" one behind the other */
    bool head_done;
    struct buf pending; /* of the body, from pending_used on not yet read */
    size_t pending_used;
    bool paused, added, done, to_the_end;
    CURLcode result;      /* once done */
    struct error failure; /* of one of our callbacks */
    uint64_t moved_at;    /* clock_now_ms of the last progress */
    uint64_t moved;       /* bytes up to then */
    uint64_t left_at;     /* when the reader went away with what it had got */
    char reason[CURL_ERROR_SIZE];
};

/* ---- the client ---- */

struct http *http_open(const struct http_options *options, struct error *error)
{
#define NAME(name) #name,
    static const char *const names[] = {FUNCTIONS(NAME) NULL};
#undef NAME
    struct http *http = calloc(1, sizeof *http);
    if (!http) {
        error_memory(error);
        return NULL;
    }
    http->options = *options;
    http->last_socket = -1;
    http->ca_file = options->ca_file ? strdup(options->ca_file) : NULL;
    http->options.ca_file = http->ca_file;
    http->library = library_open(LIBRARY, "S3 needs libcurl", names, (void **)&http->curl, error);
    if (!http->library || (options->ca_file && !http->ca_file)) {
        if (http->library)
            error_memory(error);
        http_close(http);
        return NULL;
    }
    if (http->curl.curl_global_init(CURL_GLOBAL_ALL) == CURLE_OK)
        http->multi = http->curl.curl_multi_init();
    if (http->multi)
        return http;
    error_set(error, ERROR_SYSTEM, "libcurl can't be initialised");
    http_close(http);
    return NULL;
}

/* libcurl stays loaded: it and what it has loaded may not like to go. */
void http_close(struct http *http)
{
    if (!http)
        return;
    if (http->multi)
        http->curl.curl_multi_cleanup(http->multi);
    free(http->ca_file);
    free(http);
}

bool http_failed_for_good(const struct http *http)
{
    return http->failed_for_good;
}

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

static int failed(struct http_exchange *exchange, struct error *error)
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

/* ---- one exchange ---- */

static uint64_t bytes_moved(struct http_exchange *exchange)
{
    curl_off_t up = 0, down = 0;
    struct functions *curl = &exchange->http->curl;
    curl->curl_easy_getinfo(exchange->easy, CURLINFO_SIZE_UPLOAD_T, &up);
    curl->curl_easy_getinfo(exchange->easy, CURLINFO_SIZE_DOWNLOAD_T, &down);
    return (uint64_t)up + (uint64_t)down + exchange->answer_headers.length;
}

/* libcurl moves a whole buffer, and then pauses for as long as the limit wants it to. So buffers
 * are an eighth of a second's worth, or libcurl's smallest ... */
static uint64_t buffer_size(const struct http_options *options, uint64_t largest)
{
    uint64_t size = options->limit_rate ? options->limit_rate / 8 : largest;
    return size < BUFFER_MIN ? BUFFER_MIN : size < largest ? size : largest;
}

/* ... and such a pause is not the other side's. */
static uint64_t patience(const struct http_options *options)
{
    uint64_t rate = options->limit_rate;
    return options->stall_ms + (rate ? buffer_size(options, UPLOAD_BUFFER) * 1000 / rate : 0);
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

/* Lets libcurl work until something has happened. */
static int advance(struct http_exchange *exchange, struct error *error)
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

static bool set_method(struct http_exchange *exchange, const struct http_request *request)
{
    struct functions *curl = &exchange->http->curl;
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
    struct functions *curl = &exchange->http->curl;
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
    SET(CURLOPT_BUFFERSIZE, (long)buffer_size(options, DOWNLOAD_BUFFER));
    SET(CURLOPT_UPLOAD_BUFFERSIZE, (long)buffer_size(options, UPLOAD_BUFFER));
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
        if (advance(exchange, error))
            return -1;
    exchange->left_at = clock_now_ms();
    return exchange->head_done ? 0 : failed(exchange, error);
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

/* ---- the answer ---- */

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
        return failed(exchange, error);
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
        } else if (advance(exchange, error)) {
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
