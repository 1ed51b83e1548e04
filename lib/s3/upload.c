/* Uploads: in memory until they are larger than a part. The first part is sent last, since the head
 * of the object, which is in it, is known only then. */
#include "base/error.h"
#include "s3/s3.h"
#include "s3/multipart.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ATTRIBUTES_MAX = 16, ATTRIBUTE_NAME_MAX = 64, ANSWER_MAX = 64 * 1024 };

struct s3_upload {
    struct storage_upload upload;
    char *key;
    size_t part_size, head_size;
    struct buf first;               /* the head, then data, at most a part */
    struct buf next;                /* the part that is being filled, when there are several */
    struct s3_multipart *multipart; /* NULL as long as there is one part */
    unsigned parts;                 /* sent, the first not counted */
};

static struct s3_storage *storage_of(struct s3_upload *upload)
{
    return (struct s3_storage *)upload->upload.storage;
}

void s3_upload_close(struct storage_upload *storage_upload)
{
    struct s3_upload *upload = (struct s3_upload *)storage_upload;
    s3_multipart_close(upload->multipart);
    buf_free(&upload->first);
    buf_free(&upload->next);
    free(upload->key);
    free(upload);
}

struct storage_upload *s3_upload(struct storage *storage, const char *key, size_t head_size,
                                 struct error *error)
{
    struct s3_upload *upload = calloc(1, sizeof *upload);
    if (!upload) {
        error_memory(error);
        return NULL;
    }
    upload->upload.storage = storage;
    upload->part_size = (size_t)storage_of(upload)->options.s3.part_size;
    upload->head_size = head_size;
    upload->key = strdup(key);
    if (!upload->key)
        error_memory(error);
    else if (buf_reserve(&upload->first, head_size, error) == 0) {
        memset(upload->first.data, 0, head_size);
        upload->first.length = head_size;
        return &upload->upload;
    }
    s3_upload_close(&upload->upload);
    return NULL;
}

static int refuse_existing(struct s3_upload *upload, struct error *error)
{
    int found = s3_exists(storage_of(upload), upload->key, error);
    return found > 0 ? error_set(error, ERROR_EXISTS, "%s exists", upload->key) : found;
}

/* ---- several parts ---- */

/* Looks for the name first: many parts would go up for nothing. */
static int begin_parts(struct s3_upload *upload, struct error *error)
{
    enum s3_honoured ignored;
    if (refuse_existing(upload, error) ||
        s3_conditions_complete(storage_of(upload), &ignored, error))
        return -1;
    upload->multipart = s3_multipart_open(storage_of(upload), upload->key, error);
    return upload->multipart ? 0 : -1;
}

static int send_next(struct s3_upload *upload, struct error *error)
{
    if (!upload->multipart && begin_parts(upload, error))
        return -1;
    if (s3_multipart_part(upload->multipart, 2 + upload->parts, upload->next.data,
                          upload->next.length, error))
        return -1;
    upload->parts++;
    upload->next.length = 0;
    return 0;
}

int s3_upload_write(struct storage_upload *storage_upload, const void *data, size_t size,
                    struct error *error)
{
    struct s3_upload *upload = (struct s3_upload *)storage_upload;
    for (const char *from = data; size > 0;) {
        struct buf *to = upload->first.length < upload->part_size ? &upload->first : &upload->next;
        size_t room = upload->part_size - to->length, n = size < room ? size : room;
        if (buf_append(to, from, n, error))
            return -1;
        from += n;
        size -= n;
        if (upload->next.length == upload->part_size && send_next(upload, error))
            return error_prefix(error, "%s: ", upload->key);
    }
    return 0;
}

static int commit_parts(struct s3_upload *upload, struct error *error)
{
    enum s3_honoured honoured;
    if ((upload->next.length && send_next(upload, error)) ||
        s3_multipart_part(upload->multipart, 1, upload->first.data, upload->first.length, error) ||
        s3_conditions_complete(storage_of(upload), &honoured, error) ||
        (honoured == S3_NOT_HONOURED && refuse_existing(upload, error)))
        return -1;
    return s3_multipart_complete(upload->multipart, honoured, error);
}

/* ---- one ---- */

struct attributes {
    char *text; /* a copy, cut into pieces */
    char names[ATTRIBUTES_MAX][ATTRIBUTE_NAME_MAX];
};

/* As object metadata; what does not fit is left out, as it is in the object too. */
static int add_attributes(const char *lines, struct attributes *attributes,
                          struct s3_headers *headers, struct error *error)
{
    char *rest = NULL;
    size_t count = 0;
    attributes->text = strdup(lines ? lines : "");
    if (!attributes->text)
        return error_memory(error);
    for (char *line = strtok_r(attributes->text, "\n", &rest); line && count < ATTRIBUTES_MAX;
         line = strtok_r(NULL, "\n", &rest)) {
        char *equals = strchr(line, '=');
        if (!equals || !equals[1])
            continue;
        *equals = '\0';
        snprintf(attributes->names[count], ATTRIBUTE_NAME_MAX, "x-amz-meta-waltools-%s", line);
        s3_add(headers, attributes->names[count++], equals + 1);
    }
    return 0;
}

static int look_again(void *context, struct error *error)
{
    return refuse_existing(context, error);
}

/* Where the condition is not honoured, an attempt that is made later needs a look of its own: the
 * name may have been taken meanwhile, perhaps by the attempt before, whose answer was lost. */
static int put(struct s3_upload *upload, enum s3_honoured honoured, const char *attributes_text,
               struct s3_made *made, struct error *error)
{
    struct s3_storage *s3 = storage_of(upload);
    struct s3_headers headers = {.count = 0};
    struct attributes attributes;
    char *key = s3_key(s3, upload->key, error);
    if (honoured == S3_HONOURED)
        s3_add(&headers, "if-none-match", "*");
    s3_add_reading(s3, &headers);
    s3_add_making(s3, &headers);
    int result = add_attributes(attributes_text, &attributes, &headers, error);
    const struct s3_call call = {.method = "PUT",
                                 .key = key,
                                 .headers = headers.list,
                                 .header_count = headers.count,
                                 .body = upload->first.data,
                                 .body_size = upload->first.length,
                                 .checksum = true,
                                 .made = made,
                                 .before_again = honoured == S3_HONOURED ? NULL : look_again,
                                 .context = upload};
    if (result == 0)
        result = key ? s3_put(s3->client, &call, error) : -1;
    free(attributes.text);
    free(key);
    return result;
}

static int put_after_look(struct s3_upload *upload, const char *attributes, struct error *error)
{
    struct s3_made made;
    if (refuse_existing(upload, error))
        return -1;
    return put(upload, S3_NOT_HONOURED, attributes, &made, error);
}

/* The version that was just written: what it may cover is to be found again. */
static int take_back(struct s3_upload *upload, const struct s3_made *made, struct error *error)
{
    struct s3_storage *s3 = storage_of(upload);
    const struct aws_parameter query = {"versionId", made->version};
    char *key = s3_key(s3, upload->key, error);
    const struct s3_call call = {
        .method = "DELETE", .key = key, .query = &query, .query_count = 1, .to_the_end = true};
    int result = key ? s3_call(s3->client, &call, ANSWER_MAX, NULL, error) : -1;
    free(key);
    return result ? error_prefix(error, "versioning has been switched on, so it may hide an object "
                                        "of the same name, and can't be taken back: ")
                  : 0;
}

static int commit_one(struct s3_upload *upload, const char *attributes, struct error *error)
{
    struct s3_storage *s3 = storage_of(upload);
    enum s3_honoured honoured;
    struct s3_made made;
    if (s3_conditions_put(s3, &honoured, error))
        return -1;
    if (honoured == S3_NOT_HONOURED)
        return put_after_look(upload, attributes, error);
    if (put(upload, S3_HONOURED, attributes, &made, error))
        return -1;
    s3_conditions_watch(s3, &made);
    int known = s3_conditions_put(s3, &honoured, error);
    if (known == 0 && honoured == S3_HONOURED)
        return 0;
    if (take_back(upload, &made, error) || known)
        return -1;
    return put_after_look(upload, attributes, error);
}

int s3_upload_commit(struct storage_upload *storage_upload, const struct storage_commit *commit,
                     struct error *error)
{
    struct s3_upload *upload = (struct s3_upload *)storage_upload;
    if (commit->head)
        memcpy(upload->first.data, commit->head, upload->head_size);
    int result = upload->multipart || upload->next.length
                     ? commit_parts(upload, error)
                     : commit_one(upload, commit->attributes, error);
    return result ? error_prefix(error, "%s: ", upload->key) : 0;
}
