#include "s3/multipart.h"
#include "base/error.h"
#include "s3/s3.h"
#include "aws/xml.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ANSWER_MAX = 4 * 1024 * 1024, OLD_SECONDS = 24 * 3600, STALE_MAX = 16 };

struct s3_multipart {
    struct s3_storage *s3;
    const char *object; /* as the storage knows it; inside key */
    char *key;
    char *upload; /* UploadId; NULL: none */
    char *etags[S3_PARTS_MAX];
    unsigned parts; /* the highest number */
};

/* ---- one call of an upload ---- */

static int abort_upload(struct s3_storage *s3, const char *key, const char *upload,
                        struct error *error)
{
    const struct aws_parameter query = {"uploadId", upload};
    const struct s3_call call = {
        .method = "DELETE", .key = key, .query = &query, .query_count = 1, .to_the_end = true};
    return s3_call(s3->client, &call, ANSWER_MAX, NULL, error);
}

/* ---- what killed ones have left ---- */

struct stale {
    const char *like; /* the key that is being uploaded now */
    char *keys[STALE_MAX], *uploads[STALE_MAX];
    size_t count;
    char *key, *upload; /* of the element that is being read */
    time_t before;
};

static void keep(char **to, const char *text)
{
    free(*to);
    *to = strdup(text);
}

/* Other tools may upload into the bucket too, also directly below the prefix. Ours are those whose
 * keys differ from the one that is being uploaded in hexadecimal digits at most. */
static bool is_ours(const char *key, const char *like)
{
    static const char digits[] = "0123456789ABCDEF";
    while (*key && *like && (*key == *like || (strchr(digits, *key) && strchr(digits, *like))))
        key++, like++;
    return !*key && !*like;
}

static void take_stale(struct stale *stale, const char *initiated)
{
    struct tm tm = {0};
    if (stale->count == STALE_MAX || !stale->key || !stale->upload ||
        !is_ours(stale->key, stale->like) || !strptime(initiated, "%Y-%m-%dT%H:%M:%S", &tm) ||
        timegm(&tm) >= stale->before)
        return;
    stale->keys[stale->count] = stale->key;
    stale->uploads[stale->count++] = stale->upload;
    stale->key = stale->upload = NULL;
}

/* Initiated stands behind Key and UploadId. */
static int visit_stale(void *context, const char *path, const char *text, struct error *error)
{
    struct stale *stale = context;
    (void)error;
    if (strcmp(path, "Upload/Key") == 0)
        keep(&stale->key, text);
    else if (strcmp(path, "Upload/UploadId") == 0)
        keep(&stale->upload, text);
    else if (strcmp(path, "Upload/Initiated") == 0)
        take_stale(stale, text);
    return 0;
}

/* Never fails: what can't be aborted now is left for later, or for a lifecycle rule. By the
 * server's clock, since that is the one of the list. */
static void sweep(struct s3_storage *s3, const char *key)
{
    struct stale stale = {.like = key, .before = s3_client_time(s3->client) - OLD_SECONDS};
    struct error ignored;
    struct buf body = {0};
    const char *slash = strrchr(key, '/');
    char *directory = strndup(key, slash ? (size_t)(slash + 1 - key) : 0);
    const struct aws_parameter query[] = {
        {"uploads", ""}, {"delimiter", "/"}, {"prefix", directory}};
    const struct s3_call call = {.method = "GET", .query = query, .query_count = 3};
    if (directory && s3_call(s3->client, &call, ANSWER_MAX, &body, &ignored) == 0)
        aws_xml_read(body.data ? body.data : "", body.length, "ListMultipartUploadsResult",
                     visit_stale, &stale, &ignored);
    for (size_t i = 0; i < stale.count; i++) {
        abort_upload(s3, stale.keys[i], stale.uploads[i], &ignored);
        free(stale.keys[i]);
        free(stale.uploads[i]);
    }
    free(stale.key);
    free(stale.upload);
    free(directory);
    buf_free(&body);
}

/* ---- beginning and ending ---- */

static int take_upload(void *context, const char *path, const char *text, struct error *error)
{
    char **upload = context;
    if (strcmp(path, "UploadId") != 0 || *upload)
        return 0;
    *upload = strdup(text);
    return *upload ? 0 : error_memory(error);
}

static int begin(struct s3_multipart *multipart, struct error *error)
{
    struct s3_headers headers = {.count = 0};
    struct buf body = {0};
    const struct aws_parameter query = {"uploads", ""};
    s3_add_reading(multipart->s3, &headers);
    s3_add_making(multipart->s3, &headers);
    const struct s3_call call = {.method = "POST",
                                 .key = multipart->key,
                                 .query = &query,
                                 .query_count = 1,
                                 .headers = headers.list,
                                 .header_count = headers.count};
    int result = s3_call(multipart->s3->client, &call, ANSWER_MAX, &body, error);
    if (result == 0)
        result =
            aws_xml_read(body.data ? body.data : "", body.length, "InitiateMultipartUploadResult",
                         take_upload, &multipart->upload, error);
    buf_free(&body);
    if (result == 0 && (!multipart->upload || !*multipart->upload))
        result = error_set(error, ERROR_UNREACHABLE, "the server begins no upload in parts");
    return result;
}

struct s3_multipart *s3_multipart_open(struct s3_storage *s3, const char *key, struct error *error)
{
    struct s3_multipart *multipart = calloc(1, sizeof *multipart);
    if (!multipart) {
        error_memory(error);
        return NULL;
    }
    multipart->s3 = s3;
    multipart->key = s3_key(s3, key, error);
    if (multipart->key) {
        sweep(s3, multipart->key);
        multipart->object = multipart->key + strlen(s3->prefix);
        if (begin(multipart, error) == 0)
            return multipart;
    }
    s3_multipart_close(multipart);
    return NULL;
}

void s3_multipart_close(struct s3_multipart *multipart)
{
    struct error ignored;
    if (!multipart)
        return;
    if (multipart->upload)
        abort_upload(multipart->s3, multipart->key, multipart->upload, &ignored);
    for (unsigned i = 0; i < multipart->parts; i++)
        free(multipart->etags[i]);
    free(multipart->upload);
    free(multipart->key);
    free(multipart);
}

/* ---- parts ---- */

int s3_multipart_part(struct s3_multipart *multipart, unsigned number, const void *data,
                      size_t size, struct error *error)
{
    char text[16];
    struct s3_made made;
    struct s3_headers headers = {.count = 0};
    if (number == 0 || number > S3_PARTS_MAX)
        return error_set(error, ERROR_REFUSED,
                         "the object needs more than %d parts: set a larger s3-part-size",
                         S3_PARTS_MAX);
    snprintf(text, sizeof text, "%u", number);
    const struct aws_parameter query[] = {{"partNumber", text}, {"uploadId", multipart->upload}};
    s3_add_reading(multipart->s3, &headers);
    const struct s3_call call = {.method = "PUT",
                                 .key = multipart->key,
                                 .query = query,
                                 .query_count = 2,
                                 .headers = headers.list,
                                 .header_count = headers.count,
                                 .body = data,
                                 .body_size = size,
                                 .made = &made};
    if (s3_put(multipart->s3->client, &call, error))
        return -1;
    char **etag = &multipart->etags[number - 1];
    *etag = strdup(made.etag);
    if (number > multipart->parts)
        multipart->parts = number;
    return *etag ? 0 : error_memory(error);
}

/* ETags are quoted hex, whose quotes are the only characters that XML could mind; a strange one is
 * refused. */
static int write_parts(const struct s3_multipart *multipart, struct buf *xml, struct error *error)
{
    if (buf_printf(xml, error, "<CompleteMultipartUpload>"))
        return -1;
    for (unsigned i = 0; i < multipart->parts; i++) {
        const char *etag = multipart->etags[i];
        if (!etag || strpbrk(etag, "<>&"))
            return error_set(error, ERROR_UNREACHABLE, "the server gave part %u no good ETag",
                             i + 1);
        if (buf_printf(xml, error, "<Part><PartNumber>%u</PartNumber><ETag>%s</ETag></Part>", i + 1,
                       etag))
            return -1;
    }
    return buf_printf(xml, error, "</CompleteMultipartUpload>");
}

static int ignore_element(void *context, const char *path, const char *text, struct error *error)
{
    (void)context, (void)path, (void)text, (void)error;
    return 0;
}

/* Ceph's answer has an empty ETag: its root is all that can be asked for. */
static int check_completed(const struct buf *body, struct error *error)
{
    return aws_xml_read(body->data ? body->data : "", body->length, "CompleteMultipartUploadResult",
                        ignore_element, NULL, error);
}

static int refuse_existing(void *context, struct error *error)
{
    struct s3_multipart *multipart = context;
    int found = s3_exists(multipart->s3, multipart->object, error);
    return found > 0 ? error_set(error, ERROR_EXISTS, "%s is there", multipart->object) : found;
}

/* The upload is gone: completed by an attempt whose answer was lost, or aborted by someone else. */
static int after_lost(struct s3_multipart *multipart, struct error *error)
{
    struct error own;
    if (refuse_existing(multipart, &own) && own.class == ERROR_EXISTS)
        *error = own;
    else
        error->class = ERROR_UNREACHABLE;
    return -1;
}

int s3_multipart_complete(struct s3_multipart *multipart, enum s3_honoured honoured,
                          struct error *error)
{
    struct buf xml = {0}, body = {0};
    struct s3_made made;
    struct s3_headers headers = {.count = 0};
    const struct aws_parameter query = {"uploadId", multipart->upload};
    s3_add(&headers, "content-type", "application/xml");
    if (honoured == S3_HONOURED)
        s3_add(&headers, "if-none-match", "*");
    s3_add_reading(multipart->s3, &headers);
    int result = write_parts(multipart, &xml, error);
    const struct s3_call call = {.method = "POST",
                                 .key = multipart->key,
                                 .query = &query,
                                 .query_count = 1,
                                 .headers = headers.list,
                                 .header_count = headers.count,
                                 .body = xml.data,
                                 .body_size = xml.length,
                                 .made = &made,
                                 .before_again = honoured == S3_HONOURED ? NULL : refuse_existing,
                                 .context = multipart};
    if (result == 0)
        result = s3_call(multipart->s3->client, &call, ANSWER_MAX, &body, error);
    if (result == 0)
        result = check_completed(&body, error);
    else if (error->class == ERROR_MISSING)
        result = after_lost(multipart, error);
    if (result == 0) {
        s3_conditions_watch(multipart->s3, &made);
        free(multipart->upload);
        multipart->upload = NULL;
    }
    buf_free(&xml);
    buf_free(&body);
    return result;
}
