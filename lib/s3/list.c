/* Listing (ListObjectsV2) and removing (DeleteObjects). */
#include "base/error.h"
#include "base/log.h"
#include "s3/s3.h"
#include "aws/xml.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    /* A page is small at first: whoever looks for one name stops there. */
    FIRST_PAGE = 20,
    PAGE = 1000,
    EMPTY_PAGES_MAX = 100, /* one behind the other: then it is a list without end */
    ANSWER_MAX = 16 * 1024 * 1024,
    REMOVE_MAX = 1000, /* in one request */
    FORBIDDEN = 403,
};

/* ---- a page of a list ---- */

struct page {
    size_t skip; /* bytes of each key before the name */
    const char *prefix;
    char *last; /* the greatest key so far; owned */
    char *token;
    enum { UNSAID, GOES_ON, ENDS } said; /* IsTruncated: a list that says neither may not be all */
    bool encoded, stopped;
    size_t keys;
    char *key; /* of this element */
    storage_visit *visit;
    void *context;
};

static int hex_digit(char c)
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    const char *found = c ? strchr(digits, c) : NULL;
    return found ? (int)((found - digits) % 16) : -1;
}

/* What encoding-type=url asks the server to do, undone in place. */
static void decode(char *text)
{
    char *to = text;
    for (const char *from = text; *from; to++) {
        int high = *from == '%' ? hex_digit(from[1]) : -1;
        int low = high >= 0 ? hex_digit(from[2]) : -1;
        *to = low >= 0 ? (char)(high * 16 + low) : *from == '+' ? ' ' : *from;
        from += low >= 0 ? 3 : 1;
    }
    *to = '\0';
}

static int liar(const char *what, struct error *error)
{
    return error_set(error, ERROR_UNREACHABLE, "the server's list can't be trusted: %s", what);
}

static int take_key(struct page *page, char *key, struct error *error)
{
    if (page->encoded)
        decode(key);
    if (strncmp(key, page->prefix, strlen(page->prefix)) != 0)
        return liar("a key that was not asked for", error);
    if (page->last && strcmp(key, page->last) <= 0)
        return liar("keys that are not in order", error);
    free(page->last);
    page->last = key;
    page->key = NULL;
    page->keys++;
    if (page->stopped || !key[page->skip])
        return 0;
    const struct storage_entry entry = {.name = key + page->skip};
    int result = page->visit(page->context, &entry, error);
    page->stopped = result > 0;
    return result < 0 ? -1 : 0;
}

static int replace(char **to, const char *text, struct error *error)
{
    free(*to);
    *to = strdup(text);
    return *to ? 0 : error_memory(error);
}

/* Not every server encodes it. */
static int check_prefix(struct page *page, const char *text, struct error *error)
{
    if (strcmp(text, page->prefix) == 0)
        return 0;
    char *prefix = strdup(text);
    if (!prefix)
        return error_memory(error);
    decode(prefix);
    bool same = page->encoded && strcmp(prefix, page->prefix) == 0;
    free(prefix);
    return same ? 0 : liar("it is of another prefix", error);
}

static int take_element(void *context, const char *path, const char *text, struct error *error)
{
    struct page *page = context;
    if (strcmp(path, "IsTruncated") == 0)
        page->said = strcmp(text, "true") == 0    ? GOES_ON
                     : strcmp(text, "false") == 0 ? ENDS
                                                  : UNSAID;
    else if (strcmp(path, "Prefix") == 0)
        return check_prefix(page, text, error);
    else if (strcmp(path, "NextContinuationToken") == 0)
        return replace(&page->token, text, error);
    else if (strcmp(path, "Contents/Key") == 0)
        return replace(&page->key, text, error) ? -1 : take_key(page, page->key, error);
    return 0;
}

/* Whether names are encoded may be said behind them, so that is looked for first. */
static int find_encoding(void *context, const char *path, const char *text, struct error *error)
{
    (void)error;
    struct page *page = context;
    if (strcmp(path, "EncodingType") == 0)
        page->encoded = strcmp(text, "url") == 0;
    return 0;
}

static int read_page(struct page *page, const struct buf *body, struct error *error)
{
    static const char root[] = "ListBucketResult";
    const char *xml = body->data ? body->data : "";
    page->said = UNSAID;
    page->keys = 0;
    page->encoded = false;
    if (strstr(xml, "<EncodingType>") &&
        aws_xml_read(xml, body->length, root, find_encoding, page, error))
        return -1;
    if (aws_xml_read(xml, body->length, root, take_element, page, error))
        return -1;
    if (page->said == UNSAID)
        return liar("it does not say whether it is complete", error);
    if (page->said == ENDS && page->token && *page->token)
        return liar("it says that it ends, and where it goes on", error);
    return 0;
}

static int ask(struct s3_storage *s3, const struct page *page, const char *start, size_t count,
               const char *token, struct buf *body, struct error *error)
{
    char number[16];
    struct aws_parameter query[8];
    size_t queries = 0;
    snprintf(number, sizeof number, "%zu", count);
    query[queries++] = (struct aws_parameter){"list-type", "2"};
    query[queries++] = (struct aws_parameter){"delimiter", "/"};
    query[queries++] = (struct aws_parameter){"encoding-type", "url"};
    query[queries++] = (struct aws_parameter){"max-keys", number};
    query[queries++] = (struct aws_parameter){"prefix", page->prefix};
    if (*start)
        query[queries++] = (struct aws_parameter){"start-after", start};
    if (token)
        query[queries++] = (struct aws_parameter){"continuation-token", token};
    const struct s3_call call = {.method = "GET", .query = query, .query_count = queries};
    return s3_call(s3->client, &call, ANSWER_MAX, body, error);
}

static int check_going_on(const struct page *page, const char *token, unsigned *empty,
                          struct error *error)
{
    if (!page->token || (token && strcmp(token, page->token) == 0))
        return liar("it says that it goes on, but not where", error);
    *empty = page->keys ? 0 : *empty + 1;
    return *empty < EMPTY_PAGES_MAX ? 0 : liar("it has no end", error);
}

static int list_pages(struct s3_storage *s3, struct page *page, const char *start,
                      struct error *error)
{
    struct buf body = {0};
    char *token = NULL;
    unsigned empty = 0;
    int result;
    do {
        result = ask(s3, page, start, token ? PAGE : FIRST_PAGE, token, &body, error);
        if (result == 0)
            result = read_page(page, &body, error);
        if (result == 0 && page->said == GOES_ON && !page->stopped)
            result = check_going_on(page, token, &empty, error);
        free(token);
        token = page->token;
        page->token = NULL;
    } while (result == 0 && page->said == GOES_ON && !page->stopped);
    free(token);
    buf_free(&body);
    return result;
}

int s3_list(struct storage *storage, const struct storage_query *query, storage_visit *visit,
            void *context, struct error *error)
{
    const char *directory = query->directory, *after = query->after;
    struct s3_storage *s3 = (struct s3_storage *)storage;
    struct buf whole = {0}, start = {0};
    struct page page = {.visit = visit, .context = context};
    int result =
        buf_printf(&whole, error, "%s%s%s", s3->prefix, directory, *directory ? "/" : "") ? -1 : 0;
    if (result == 0) {
        page.skip = whole.length;
        result = buf_printf(&start, error, "%s%s", *after ? whole.data : "", after) ||
                         buf_printf(&whole, error, "%s", query->prefix)
                     ? -1
                     : 0;
    }
    if (result == 0 && *after)
        result = replace(&page.last, start.data, error); /* what comes must be behind it */
    if (result == 0) {
        page.prefix = whole.data;
        result = list_pages(s3, &page, start.data, error);
    }
    free(page.last);
    free(page.key);
    free(page.token);
    buf_free(&whole);
    buf_free(&start);
    return result;
}

/* ---- removing ---- */

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

static int take_failure(void *context, const char *path, const char *text, struct error *error)
{
    struct removal *removal = context;
    struct error one;
    if (strcmp(path, "Error/Key") == 0)
        return replace(&removal->key, text, error);
    if (strcmp(path, "Error/Code") == 0)
        return replace(&removal->code, text, error);
    if (strcmp(path, "Error/Message") == 0)
        return replace(&removal->text, text, error);
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
