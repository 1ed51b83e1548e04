#include "s3/s3.h"
#include "base/error.h"
#include "base/file.h"
#include "crypto/encode.h"
#include "crypto/md5.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

/* AWS "Amazon S3 multipart upload limits"; what is larger than a part is never held in memory. */
enum { PART_SIZE_MIN = 5 << 20, PART_SIZE_MAX = 1 << 30 };

/* Less than libcurl moves at a time could not be told from nothing (http.c). */
enum { LIMIT_RATE_MIN = 16000 };

enum { CUSTOMER_KEY_SIZE = 32, CUSTOMER_KEY_FILE_MAX = 128 };

static const char metadata_prefix[] = "x-amz-meta-waltools-";

/* ---- requests ---- */

char *s3_key(const struct s3_storage *s3, const char *key, struct error *error)
{
    char *whole;
    if (asprintf(&whole, "%s%s", s3->prefix, key) >= 0)
        return whole;
    error_memory(error);
    return NULL;
}

void s3_add(struct s3_headers *headers, const char *name, const char *value)
{
    headers->list[headers->count++] = (struct http_header){name, value};
}

void s3_add_reading(const struct s3_storage *s3, struct s3_headers *headers)
{
    if (!s3->customer_key)
        return;
    s3_add(headers, "x-amz-server-side-encryption-customer-algorithm", "AES256");
    s3_add(headers, "x-amz-server-side-encryption-customer-key", s3->customer_key);
    s3_add(headers, "x-amz-server-side-encryption-customer-key-md5", s3->customer_key_md5);
}

void s3_add_making(const struct s3_storage *s3, struct s3_headers *headers)
{
    static const char *const encryptions[] = {NULL, "AES256", "aws:kms"};
    const struct s3_options *options = &s3->options.s3;
    s3_add(headers, "content-type", "application/octet-stream");
    if (options->storage_class)
        s3_add(headers, "x-amz-storage-class", options->storage_class);
    if (encryptions[options->encryption])
        s3_add(headers, "x-amz-server-side-encryption", encryptions[options->encryption]);
    if (options->kms_key)
        s3_add(headers, "x-amz-server-side-encryption-aws-kms-key-id", options->kms_key);
    if (options->tags)
        s3_add(headers, "x-amz-tagging", options->tags);
}

int s3_check_etag(const struct http_exchange *exchange, struct error *error)
{
    const char *etag = http_answer_header(exchange, "ETag");
    return etag && *etag ? 0
                         : error_set(error, ERROR_UNREACHABLE,
                                     "what answers is no S3 server (status %d without an ETag): a "
                                     "proxy in between?",
                                     http_status(exchange));
}

struct http_exchange *s3_ask(struct s3_storage *s3, const char *method, const char *key,
                             const char *range, const char *etag, struct error *error)
{
    struct s3_headers headers = {.count = 0};
    s3_add_reading(s3, &headers);
    if (range)
        s3_add(&headers, "range", range);
    if (etag)
        s3_add(&headers, "if-match", etag);
    char *whole = s3_key(s3, key, error);
    const struct s3_call call = {
        .method = method, .key = whole, .headers = headers.list, .header_count = headers.count};
    struct http_exchange *exchange = whole ? s3_start(s3->client, &call, error) : NULL;
    free(whole);
    if (exchange && s3_check_etag(exchange, error) == 0)
        return exchange;
    error_prefix(error, "%s: ", key);
    http_finish(exchange);
    return NULL;
}

int s3_exists(struct s3_storage *s3, const char *key, struct error *error)
{
    enum { RANGE_NOT_SATISFIABLE = 416 /* it is empty */ };
    struct http_exchange *answer = s3_ask(s3, "GET", key, "bytes=0-0", NULL, error);
    http_finish(answer);
    if (answer || s3_client_failure(s3->client)->status == RANGE_NOT_SATISFIABLE)
        return 1;
    return error->class == ERROR_MISSING ? 0 : -1;
}

/* ---- what is known of an object ---- */

struct attributes {
    struct buf *text;
    struct error *error;
    int result;
};

/* Names of headers have no case, and some servers write each word with a capital. */
static void take_attribute(void *context, const char *name, const char *value)
{
    struct attributes *attributes = context;
    struct buf *text = attributes->text;
    size_t length = sizeof metadata_prefix - 1, begin = text->length;
    if (strncasecmp(name, metadata_prefix, length) != 0)
        return;
    if (buf_printf(text, attributes->error, "%s=%s\n", name + length, value))
        attributes->result = -1;
    else
        for (char *c = text->data + begin; *c != '='; c++)
            *c = (char)tolower((unsigned char)*c);
}

bool s3_read_size(const struct http_exchange *exchange, uint64_t *size)
{
    const char *text = http_answer_header(exchange, "Content-Length");
    char *end;
    *size = text ? strtoull(text, &end, 10) : 0;
    return text && end != text && !*end;
}

static int s3_stat(struct storage *storage, const char *key, struct storage_status *status,
                   struct error *error)
{
    struct http_exchange *exchange =
        s3_ask((struct s3_storage *)storage, "HEAD", key, NULL, NULL, error);
    if (!exchange)
        return -1;
    struct attributes attributes = {&status->attributes, error, 0};
    http_answer_headers(exchange, take_attribute, &attributes);
    if (attributes.result == 0 && !s3_read_size(exchange, &status->size))
        attributes.result =
            error_set(error, ERROR_UNREACHABLE, "%s: an answer without length", key);
    http_finish(exchange);
    return attributes.result;
}

/* What has been received is durable there: nothing can be done for it. */
static int s3_settle(struct storage *storage, const char *key, struct error *error)
{
    (void)storage, (void)key, (void)error;
    return 0;
}

/* ---- opening ---- */

static int s3_notes(struct storage *storage, struct buf *scope, struct buf *notes,
                    struct error *error)
{
    struct s3_storage *s3 = (struct s3_storage *)storage;
    return buf_printf(scope, error, "%s", s3->scope) ||
                   s3_conditions_write(&s3->conditions, notes, error)
               ? -1
               : 0;
}

static void s3_recall(struct storage *storage, const char *notes, enum storage_belief belief)
{
    s3_conditions_read(&((struct s3_storage *)storage)->conditions, notes, belief);
}

static void s3_close(struct storage *storage)
{
    struct s3_storage *s3 = (struct s3_storage *)storage;
    s3_client_close(s3->client);
    if (s3->customer_key)
        explicit_bzero(s3->customer_key, strlen(s3->customer_key));
    free(s3->customer_key);
    free(s3->customer_key_md5);
    free(s3->scope);
    free(s3->prefix);
    free(s3);
}

static const struct storage_operations s3_operations = {
    .traits = STORAGE_REMOTE,
    .notes = s3_notes,
    .recall = s3_recall,
    .close = s3_close,
    .upload = s3_upload,
    .upload_write = s3_upload_write,
    .upload_commit = s3_upload_commit,
    .upload_close = s3_upload_close,
    .settle = s3_settle,
    .stat = s3_stat,
    .download = s3_download,
    .download_read = s3_download_read,
    .download_close = s3_download_close,
    .list = s3_list,
    .remove = s3_remove,
};

/* 32 bytes as they are, or their base64 with or without a newline. */
static bool decode_customer_key(struct buf *text, unsigned char key[CUSTOMER_KEY_SIZE])
{
    if (text->length == CUSTOMER_KEY_SIZE) {
        memcpy(key, text->data, CUSTOMER_KEY_SIZE);
        return true;
    }
    while (text->length && strchr("\r\n", text->data[text->length - 1]))
        text->data[--text->length] = '\0';
    return text->length && decode_base64(text->data, key, CUSTOMER_KEY_SIZE) == CUSTOMER_KEY_SIZE;
}

static int encode_customer_key(struct s3_storage *s3, const unsigned char key[CUSTOMER_KEY_SIZE],
                               struct error *error)
{
    unsigned char digest[MD5_SIZE];
    s3->customer_key = malloc(ENCODE_BASE64_SIZE(CUSTOMER_KEY_SIZE) + 1);
    s3->customer_key_md5 = malloc(ENCODE_BASE64_SIZE(MD5_SIZE) + 1);
    if (!s3->customer_key || !s3->customer_key_md5)
        return error_memory(error);
    encode_base64(key, CUSTOMER_KEY_SIZE, s3->customer_key);
    if (md5(key, CUSTOMER_KEY_SIZE, digest, error))
        return -1;
    encode_base64(digest, sizeof digest, s3->customer_key_md5);
    return 0;
}

static int read_customer_key(struct s3_storage *s3, const char *path, struct error *error)
{
    struct buf text = {0};
    struct stat status;
    unsigned char key[CUSTOMER_KEY_SIZE];
    int result = -1;
    const struct s3_place *place = s3_client_place(s3->client);
    if (place->is_plain && !place->is_local)
        error_set(error, ERROR_USAGE,
                  "s3-customer-key-file: the key would go over the network in clear: use https://");
    else if (stat(path, &status) == 0 && status.st_mode & 077)
        error_set(error, ERROR_USAGE, "s3-customer-key-file %s can be read by others: chmod 600 it",
                  path);
    else if (file_slurp(AT_FDCWD, path, CUSTOMER_KEY_FILE_MAX, &text, error)) {
        error->class = ERROR_USAGE;
        error_prefix(error, "s3-customer-key-file: ");
    } else if (!decode_customer_key(&text, key))
        error_set(error, ERROR_USAGE,
                  "s3-customer-key-file %s does not hold 32 bytes, or their base64", path);
    else
        result = encode_customer_key(s3, key, error);
    explicit_bzero(key, sizeof key);
    if (text.data)
        explicit_bzero(text.data, text.capacity);
    buf_free(&text);
    return result;
}

static int check_options(const struct s3_options *options, uint64_t limit_rate, struct error *error)
{
    if (options->kms_key && options->encryption != S3_ENCRYPTION_KMS)
        return error_set(error, ERROR_USAGE, "s3-kms-key needs s3-encryption = aws:kms");
    if (options->customer_key_file && options->encryption != S3_ENCRYPTION_NONE)
        return error_set(error, ERROR_USAGE,
                         "s3-customer-key-file and s3-encryption exclude each other");
    if (limit_rate && limit_rate < LIMIT_RATE_MIN)
        return error_set(error, ERROR_USAGE, "limit-rate must be at least 16kB, or 0 for none");
    if (options->part_size < PART_SIZE_MIN || options->part_size > PART_SIZE_MAX)
        return error_set(error, ERROR_USAGE, "s3-part-size must be from 5MiB to 1GiB");
    return 0;
}

/* "a//b/" is "a/b/": an archive has one name. */
static char *make_prefix(const char *text, struct error *error)
{
    char *prefix = malloc(strlen(text) + 2), *to = prefix;
    if (!prefix) {
        error_memory(error);
        return NULL;
    }
    for (const char *from = text; *from; from++)
        if (*from != '/' || (to > prefix && to[-1] != '/'))
            *to++ = *from;
    if (to > prefix && to[-1] != '/')
        *to++ = '/';
    *to = '\0';
    return prefix;
}

static int keep_scope(struct s3_storage *s3, struct error *error)
{
    const struct s3_place *place = s3_client_place(s3->client);
    if (asprintf(&s3->scope, "%s%s/%s", place->origin, place->root, s3->prefix) >= 0)
        return 0;
    s3->scope = NULL;
    return error_memory(error);
}

static int set_up(struct s3_storage *s3, const char *location, struct error *error)
{
    size_t length = strcspn(location, "/");
    char *bucket = strndup(location, length);
    int result = -1;
    if (!bucket)
        return error_memory(error);
    s3->prefix = make_prefix(location + length, error);
    if (s3->prefix && check_options(&s3->options.s3, s3->options.limit_rate, error) == 0)
        s3->client = s3_client_open(bucket, &s3->options, error);
    /* After libcurl: whoever computes the first digest decides for the whole process that OpenSSL's
     * configuration is not read (sha256.c), and TLS must have it. */
    if (s3->client && keep_scope(s3, error) == 0 &&
        (!s3->options.s3.customer_key_file ||
         read_customer_key(s3, s3->options.s3.customer_key_file, error) == 0))
        result = 0;
    free(bucket);
    return result;
}

struct storage *s3_storage_open(const char *location, const struct storage_options *options,
                                struct error *error)
{
    struct s3_storage *s3 = calloc(1, sizeof *s3);
    if (!s3) {
        error_memory(error);
        return NULL;
    }
    s3->storage.operations = &s3_operations;
    s3->options = *options;
    if (set_up(s3, location, error) == 0)
        return &s3->storage;
    s3_close(&s3->storage);
    return NULL;
}
