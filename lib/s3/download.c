/* Downloads. An answer that breaks off is continued where it broke, as long as the object is the
 * same. */
#include "base/error.h"
#include "s3/s3.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RESUMES_MAX = 5 };

struct s3_download {
    struct storage_download download;
    struct http_exchange *exchange; /* NULL after a failure */
    char *key, *etag;
    uint64_t offset; /* bytes read */
    unsigned resumes;
};

void s3_download_close(struct storage_download *storage_download)
{
    struct s3_download *download = (struct s3_download *)storage_download;
    http_finish(download->exchange);
    free(download->key);
    free(download->etag);
    free(download);
}

struct storage_download *s3_download(struct storage *storage, const char *key, struct error *error)
{
    struct s3_download *download = calloc(1, sizeof *download);
    if (!download) {
        error_memory(error);
        return NULL;
    }
    download->download.storage = storage;
    download->exchange = s3_ask((struct s3_storage *)storage, "GET", key, NULL, NULL, error);
    if (download->exchange) {
        download->key = strdup(key);
        download->etag = strdup(http_answer_header(download->exchange, "ETag"));
        if (!download->key || !download->etag)
            error_memory(error);
        else if (http_status(download->exchange) != 200)
            error_set(error, ERROR_UNREACHABLE, "%s: the server sends a part instead of all (%d)",
                      key, http_status(download->exchange));
        else if (s3_read_size(download->exchange, &download->download.size))
            return &download->download;
        else
            error_set(error, ERROR_UNREACHABLE, "%s: an answer without length", key);
    }
    s3_download_close(&download->download);
    return NULL;
}

/* It must be of the same object, from where it is wanted. It may be less than all the rest: then
 * it ends early, like any other answer that breaks off. */
static int check_range(const struct s3_download *download, struct error *error)
{
    const char *range = http_answer_header(download->exchange, "Content-Range");
    const char *slash = range ? strchr(range, '/') : NULL;
    char begin[64], whole[32];
    snprintf(begin, sizeof begin, "bytes %" PRIu64 "-", download->offset);
    snprintf(whole, sizeof whole, "/%" PRIu64, download->download.size);
    if (http_status(download->exchange) == 206 && slash && strcmp(slash, whole) == 0 &&
        strncmp(range, begin, strlen(begin)) == 0)
        return 0;
    return error_set(error, ERROR_UNREACHABLE,
                     "%s: the server sends another part than was asked for", download->key);
}

static int resume(struct s3_download *download, struct error *error)
{
    char range[64];
    http_finish(download->exchange);
    snprintf(range, sizeof range, "bytes=%" PRIu64 "-", download->offset);
    download->exchange = s3_ask((struct s3_storage *)download->download.storage, "GET",
                                download->key, range, download->etag, error);
    if (download->exchange)
        return check_range(download, error);
    if (error->class == ERROR_EXISTS || error->class == ERROR_MISSING)
        error->class = ERROR_UNREACHABLE; /* it was there a moment ago */
    return -1;
}

/* An end is one only where the object ends. */
static ssize_t read_on(struct s3_download *download, void *data, size_t size, struct error *error)
{
    ssize_t n = download->exchange ? http_read(download->exchange, data, size, error)
                                   : error_set(error, ERROR_UNREACHABLE, "the answer broke");
    if (n > 0)
        download->offset += (uint64_t)n;
    if (n < 0 || (n > 0 && download->offset <= download->download.size) ||
        download->offset == download->download.size)
        return n;
    return error_set(error, ERROR_UNREACHABLE,
                     "the answer ends after %" PRIu64 " bytes, the object has %" PRIu64,
                     download->offset, download->download.size);
}

ssize_t s3_download_read(struct storage_download *storage_download, void *data, size_t size,
                         struct error *error)
{
    struct s3_download *download = (struct s3_download *)storage_download;
    for (;;) {
        ssize_t n = read_on(download, data, size, error);
        if (n >= 0)
            return n;
        if (error->class != ERROR_UNREACHABLE || !download->exchange ||
            download->offset >= download->download.size || download->resumes++ >= RESUMES_MAX)
            return error_prefix(error, "%s: ", download->key);
        if (resume(download, error))
            return -1;
    }
}
