#include "aws/http_exchange.h"
#include "base/library.h"

#include <stdlib.h>
#include <string.h>

#define LIBRARY "libcurl.so.4"

struct http *http_open(const struct http_options *options, struct error *error)
{
#define NAME(name) #name,
    static const char *const names[] = {HTTP_FUNCTIONS(NAME) NULL};
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
