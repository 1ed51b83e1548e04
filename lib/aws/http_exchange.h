/* aws/http_exchange.h - a client and its exchanges from within, and libcurl. Only for http*.c of
 * this room: nothing else sees libcurl. */
#ifndef AWS_HTTP_EXCHANGE_H
#define AWS_HTTP_EXCHANGE_H

#include "aws/http.h"
#include "base/buf.h"
#include "base/error.h"

#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>

/* What is used of libcurl, which is loaded when it is needed. */
#define HTTP_FUNCTIONS(_)                                                                          \
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

struct http_functions {
#define FIELD(name) __typeof__(&name) name;
    HTTP_FUNCTIONS(FIELD)
#undef FIELD
};

enum {
    HTTP_DOWNLOAD_BUFFER = 256 * 1024, /* libcurl's, at the most */
    HTTP_UPLOAD_BUFFER = 512 * 1024,
};

struct http {
    void *library;
    struct http_functions curl;
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

/* libcurl moves a whole buffer, and then pauses for as long as a limit on the rate wants it to: so
 * they are smaller under one. Bytes. */
uint64_t http_buffer_size(const struct http_options *options, uint64_t largest);

/* Lets libcurl work until something has happened. ERROR_UNREACHABLE for a stall,
 * ERROR_INTERRUPTED. */
int http_advance(struct http_exchange *exchange, struct error *error);

/* Sets the error of an exchange that has ended without success; always returns -1. */
int http_failed(struct http_exchange *exchange, struct error *error);

#endif
