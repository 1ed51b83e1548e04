/* Removing (DeleteObjects). */
#include "base/error.h"
#include "s3/s3.h"
#include "aws/xml.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    REMOVE_MAX = 1000, /* in one request */
    ANSWER_MAX = 16 * 1024 * 1024,
    FORBIDDEN = 403,
};

struct removal {
    struct s3_storage *s3;
    char *key, *code, *text; /* of the <Error> that is being read */
    storage_failed *failed;
    void *context;
};

static const char *without_prefix(const struct s3_storage *s3, const char *key)
{
    size_t length = strlen(s3->prefix);
    return strncmp(key, s3->prefix, length) == 0 ? key + length : key;
}

static void forget_failure(struct removal *removal)
{
    free(removal->key);
    free(removal->code);
    free(removal->text);
    removal->key = removal->code = removal->text = NULL;
}

static int set(char **to, const char *text, struct error *error)
{
    free(*to);
    *to = strdup(text);
    return *to ? 0 : error_memory(error);
}

static int take_failure(void *context, const char *path, const char *text, struct error *error)
{
    struct removal *removal = context;
    struct error one;
    if (strcmp(path, "Error/Key") == 0)
        return set(&removal->key, text, error);
    if (strcmp(path, "Error/Code") == 0)
        return set(&removal->code, text, error);
    if (strcmp(path, "Error/Message") == 0)
        return set(&removal->text, text, error);
    if (strcmp(path, "Error") != 0)
        return 0;
    const char *key = removal->key ? without_prefix(removal->s3, removal->key) : "?";
    const char *code = removal->code ? removal->code : "no reason given";
    error_set(&one, ERROR_UNREACHABLE, "can't remove %s: %s: %s", key, code,
              removal->text ? removal->text : "");
    if (strcmp(code, "NoSuchKey") != 0)
        removal->failed(removal->context, key, &one);
    forget_failure(removal);
    return 0;
}

static int escape(const char *text, struct buf *xml, struct error *error)
{
    for (; *text; text++)
        if (strchr("<>&\"'\r", *text) ? buf_printf(xml, error, "&#%d;", *text)
                                      : buf_append(xml, text, 1, error))
            return -1;
    return 0;
}

static int write_keys(const struct s3_storage *s3, const char *const *keys, size_t count,
                      struct buf *xml, struct error *error)
{
    if (buf_printf(xml, error, "<Delete><Quiet>true</Quiet>"))
        return -1;
    for (size_t i = 0; i < count; i++)
        if (buf_printf(xml, error, "<Object><Key>") || escape(s3->prefix, xml, error) ||
            escape(keys[i], xml, error) || buf_printf(xml, error, "</Key></Object>"))
            return -1;
    return buf_printf(xml, error, "</Delete>");
}

static int remove_together(struct removal *removal, const char *const *keys, size_t count,
                           struct error *error)
{
    struct buf xml = {0}, body = {0};
    const struct aws_parameter query = {"delete", ""};
    const struct http_header type = {"content-type", "application/xml"};
    int result = write_keys(removal->s3, keys, count, &xml, error);
    const struct s3_call call = {.method = "POST",
                                 .query = &query,
                                 .query_count = 1,
                                 .headers = &type,
                                 .header_count = 1,
                                 .body = xml.data,
                                 .body_size = xml.length};
    if (result == 0)
        result = s3_call(removal->s3->client, &call, ANSWER_MAX, &body, error);
    if (result == 0)
        result = aws_xml_read(body.data ? body.data : "", body.length, "DeleteResult", take_failure,
                              removal, error);
    buf_free(&xml);
    buf_free(&body);
    return result;
}

static int remove_one(struct s3_storage *s3, const char *key, struct error *error)
{
    char *whole = s3_key(s3, key, error);
    const struct s3_call call = {.method = "DELETE", .key = whole};
    int result = whole ? s3_call(s3->client, &call, ANSWER_MAX, NULL, error) : -1;
    free(whole);
    return result && whole && error->class == ERROR_MISSING ? 0 : result;
}

/* A server that is out of reach is so for all of them, each of which would take its whole time. */
static bool ends_removal(const struct s3_failure *failure, const struct error *error)
{
    return error->class == ERROR_INTERRUPTED ||
           (error->class == ERROR_UNREACHABLE &&
            (failure->status == 0 || failure->status == 429 || failure->status >= 500));
}

/* When it is forbidden for the first, it is for all. */
static int remove_alone(struct removal *removal, const char *const *keys, size_t count,
                        struct error *error)
{
    struct error one;
    for (size_t i = 0; i < count; i++) {
        if (remove_one(removal->s3, keys[i], &one) == 0)
            continue;
        const struct s3_failure *failure = s3_client_failure(removal->s3->client);
        if ((i == 0 && failure->status == FORBIDDEN) || ends_removal(failure, &one)) {
            *error = one;
            return -1;
        }
        error_prefix(&one, "can't remove %s: ", keys[i]);
        removal->failed(removal->context, keys[i], &one);
    }
    return 0;
}

/* So servers say that they have no DeleteObjects; Ceph wants a permission of its own for it. */
static bool is_unsupported(const struct s3_failure *failure)
{
    return failure->status == 501 || failure->status == 405 || failure->status == FORBIDDEN ||
           (failure->status == 400 && (strcmp(failure->code, "NotImplemented") == 0 ||
                                       strcmp(failure->code, "InvalidArgument") == 0));
}

int s3_remove(struct storage *storage, const char *const *keys, size_t count,
              storage_failed *failed, void *context, struct error *error)
{
    struct s3_storage *s3 = (struct s3_storage *)storage;
    struct removal removal = {.s3 = s3, .failed = failed, .context = context};
    int result = 0;
    for (size_t done = 0; done < count && result == 0; done += REMOVE_MAX) {
        size_t n = count - done < REMOVE_MAX ? count - done : REMOVE_MAX;
        result = remove_together(&removal, keys + done, n, error);
        if (result && is_unsupported(s3_client_failure(s3->client)))
            result = remove_alone(&removal, keys + done, n, error);
    }
    forget_failure(&removal);
    return result;
}
