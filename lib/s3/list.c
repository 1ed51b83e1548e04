/* Listing (ListObjectsV2). */
#include "base/error.h"
#include "s3/s3.h"
#include "aws/xml.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    /* A page is small at first: whoever looks for one name stops there; who wants details, wants
     * all. */
    FIRST_PAGE = 20,
    PAGE = 1000,
    EMPTY_PAGES_MAX = 100, /* one behind the other: then it is a list without end */
    ANSWER_MAX = 16 * 1024 * 1024,
};

/* ---- a page of a list ---- */

struct page {
    size_t skip; /* bytes of each key before the name */
    const char *prefix, *after;
    unsigned wanted;             /* enum storage_wanted */
    char *last, *last_directory; /* the greatest so far, whole keys; owned */
    char *token;
    enum { UNSAID, GOES_ON, ENDS } said; /* IsTruncated: a list that says neither may not be all */
    bool encoded, stopped;
    size_t items;               /* keys and common prefixes */
    char *key;                  /* of this element */
    struct storage_entry entry; /* for it */
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

static int replace(char **to, const char *text, struct error *error)
{
    free(*to);
    *to = strdup(text);
    return *to ? 0 : error_memory(error);
}

/* ---- what a page says of itself ---- */

static int take_truncated(struct page *page, const char *text, struct error *error)
{
    (void)error;
    page->said = strcmp(text, "true") == 0 ? GOES_ON : strcmp(text, "false") == 0 ? ENDS : UNSAID;
    return 0;
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

static int take_token(struct page *page, const char *text, struct error *error)
{
    return replace(&page->token, text, error);
}

/* ---- an object, a directory ---- */

static int check_key(const struct page *page, const char *key, struct error *error)
{
    return strncmp(key, page->prefix, strlen(page->prefix)) == 0
               ? 0
               : liar("a key that was not asked for", error);
}

/* Both kinds are in order, each in its own. */
static int check_order(const char *key, const char *last, struct error *error)
{
    return last && strcmp(key, last) <= 0 ? liar("keys that are not in order", error) : 0;
}

static int give(struct page *page, const char *name, struct error *error)
{
    page->entry.name = name;
    int result = page->stopped || !*name ? 0 : page->visit(page->context, &page->entry, error);
    page->stopped = page->stopped || result > 0;
    page->entry = (struct storage_entry){0};
    return result < 0 ? -1 : 0;
}

static int take_key(struct page *page, const char *text, struct error *error)
{
    if (replace(&page->key, text, error))
        return -1;
    if (page->encoded)
        decode(page->key);
    return 0;
}

static int take_size(struct page *page, const char *text, struct error *error)
{
    char *end;
    if (!(page->wanted & STORAGE_DETAILS))
        return 0;
    page->entry.size = strtoull(text, &end, 10);
    return *text >= '0' && *text <= '9' && !*end ? 0 : liar("a size that is no number", error);
}

/* "2009-10-12T17:50:30.000Z" */
static int take_time(struct page *page, const char *text, struct error *error)
{
    struct tm time = {0};
    (void)error;
    if (page->wanted & STORAGE_DETAILS && strptime(text, "%Y-%m-%dT%H:%M:%S", &time))
        page->entry.time = timegm(&time);
    return 0;
}

/* At the end of the element, all of it has been read. */
static int take_object(struct page *page, const char *text, struct error *error)
{
    (void)text;
    if (!page->key)
        return liar("an object without a key", error);
    if (check_key(page, page->key, error) || check_order(page->key, page->last, error))
        return -1;
    free(page->last);
    page->last = page->key;
    page->key = NULL;
    page->items++;
    return give(page, page->last + page->skip, error);
}

static int give_directory(struct page *page, char *key, struct error *error)
{
    size_t slash = strlen(key) - 1;
    if (slash < page->skip || key[slash] != '/')
        return liar("a common prefix without a name", error);
    key[slash] = '\0';
    page->entry.is_directory = true;
    int result =
        strcmp(key + page->skip, page->after) > 0 ? give(page, key + page->skip, error) : 0;
    key[slash] = '/';
    return result;
}

/* A page may begin with the one that the page before has ended with. */
static int take_directory(struct page *page, const char *text, struct error *error)
{
    if (take_key(page, text, error) || check_key(page, page->key, error))
        return -1;
    if (page->last_directory && strcmp(page->key, page->last_directory) == 0)
        return 0;
    if (check_order(page->key, page->last_directory, error))
        return -1;
    free(page->last_directory);
    page->last_directory = page->key;
    page->key = NULL;
    page->items++;
    return page->wanted & STORAGE_DIRECTORIES ? give_directory(page, page->last_directory, error)
                                              : 0;
}

static const struct element {
    const char *path;
    int (*take)(struct page *page, const char *text, struct error *error);
} elements[] = {
    {"IsTruncated", take_truncated},
    {"Prefix", check_prefix},
    {"NextContinuationToken", take_token},
    {"Contents/Key", take_key},
    {"Contents/Size", take_size},
    {"Contents/LastModified", take_time},
    {"Contents", take_object},
    {"CommonPrefixes/Prefix", take_directory},
};

static int take_element(void *context, const char *path, const char *text, struct error *error)
{
    for (size_t i = 0; i < sizeof elements / sizeof *elements; i++)
        if (strcmp(path, elements[i].path) == 0)
            return elements[i].take(context, text, error);
    return 0;
}

/* ---- a page ---- */

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
    page->items = 0;
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
    *empty = page->items ? 0 : *empty + 1;
    return *empty < EMPTY_PAGES_MAX ? 0 : liar("it has no end", error);
}

static int list_pages(struct s3_storage *s3, struct page *page, const char *start,
                      struct error *error)
{
    struct buf body = {0};
    char *token = NULL;
    unsigned empty = 0;
    size_t count = page->wanted & STORAGE_DETAILS ? PAGE : FIRST_PAGE;
    int result;
    do {
        result = ask(s3, page, start, count, token, &body, error);
        count = PAGE;
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
    struct page page = {
        .after = after, .wanted = query->wanted, .visit = visit, .context = context};
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
    free(page.last_directory);
    free(page.key);
    free(page.token);
    buf_free(&whole);
    buf_free(&start);
    return result;
}
