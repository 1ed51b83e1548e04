#include "aws/sign.h"
#include "base/error.h"
#include "base/secret.h"
#include "crypto/encode.h"
#include "crypto/hmac.h"
#include "crypto/sha256.h"

#include <ctype.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define UNRESERVED "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
#define ALGORITHM "AWS4-HMAC-SHA256"
#define SCOPE_END "aws4_request"

enum { DAY_SIZE = 8 /* of AWS_DATE_SIZE */ };

void aws_date(time_t time, char text[AWS_DATE_SIZE + 1])
{
    struct tm tm;
    if (!gmtime_r(&time, &tm) ||
        strftime(text, AWS_DATE_SIZE + 1, "%Y%m%dT%H%M%SZ", &tm) != AWS_DATE_SIZE)
        text[0] = '\0';
}

static int add(struct buf *out, const char *text, struct error *error)
{
    return buf_append(out, text, strlen(text), error);
}

/* Pointers to the elements, in order; `compare` gets the addresses of two such pointers. The caller
 * frees them. */
static const void **sort(const void *elements, size_t count, size_t size,
                         int (*compare)(const void *, const void *), struct error *error)
{
    const void **sorted = calloc(count + 1, sizeof *sorted);
    if (!sorted) {
        error_memory(error);
        return NULL;
    }
    for (size_t i = 0; i < count; i++)
        sorted[i] = (const char *)elements + i * size;
    qsort(sorted, count, sizeof *sorted, compare);
    return sorted;
}

/* ---- percent-encoding ---- */

static int encode(const char *text, const char *kept, struct buf *out, struct error *error)
{
    for (const char *c = text; *c; c++) {
        int failed = strchr(kept, *c) ? buf_append(out, c, 1, error)
                                      : buf_printf(out, error, "%%%02X", (unsigned char)*c);
        if (failed)
            return -1;
    }
    return 0;
}

int aws_encode(const char *text, struct buf *out, struct error *error)
{
    return encode(text, UNRESERVED, out, error);
}

int aws_encode_path(const char *path, struct buf *out, struct error *error)
{
    return encode(path, UNRESERVED "/", out, error);
}

/* Where a character stands among others when both are encoded: '%' comes before all that is
 * unreserved. */
static int encoded_rank(char c)
{
    int value = (unsigned char)c;
    return value && strchr(UNRESERVED, value) ? UCHAR_MAX + 1 + value : value;
}

static int compare_encoded(const char *left, const char *right)
{
    while (*left && *left == *right) {
        left++;
        right++;
    }
    return encoded_rank(*left) - encoded_rank(*right);
}

static int compare_parameters(const void *left, const void *right)
{
    const struct aws_parameter *a = *(const void *const *)left;
    const struct aws_parameter *b = *(const void *const *)right;
    int order = compare_encoded(a->name, b->name);
    return order ? order : compare_encoded(a->value, b->value);
}

int aws_encode_query(const struct aws_parameter *query, size_t count, struct buf *out,
                     struct error *error)
{
    const void **sorted = sort(query, count, sizeof *query, compare_parameters, error);
    int result = sorted ? 0 : -1;
    for (size_t i = 0; result == 0 && i < count; i++) {
        const struct aws_parameter *parameter = sorted[i];
        if ((i > 0 && add(out, "&", error)) || aws_encode(parameter->name, out, error) ||
            add(out, "=", error) || aws_encode(parameter->value, out, error))
            result = -1;
    }
    free(sorted);
    return result;
}

/* ---- the canonical request ---- */

/* Headers of one name keep their order. */
static int compare_headers(const void *left, const void *right)
{
    const struct http_header *a = *(const void *const *)left;
    const struct http_header *b = *(const void *const *)right;
    int order = strcasecmp(a->name, b->name);
    return order ? order : (a > b) - (a < b);
}

/* Is it the first of those that have its name? */
static bool is_first(const void *const *sorted, size_t i)
{
    if (i == 0)
        return true;
    const struct http_header *before = sorted[i - 1], *header = sorted[i];
    return strcasecmp(before->name, header->name) != 0;
}

static int add_lower(struct buf *out, const char *name, struct error *error)
{
    for (const char *c = name; *c; c++)
        if (buf_append(out, &(char){(char)tolower((unsigned char)*c)}, 1, error))
            return -1;
    return 0;
}

/* "host;range;x-amz-date" */
static int add_names(const void *const *sorted, size_t count, struct buf *out, struct error *error)
{
    if (buf_reserve(out, 0, error))
        return -1;
    for (size_t i = 0; i < count; i++) {
        const struct http_header *header = sorted[i];
        if (is_first(sorted, i) &&
            ((i > 0 && add(out, ";", error)) || add_lower(out, header->name, error)))
            return -1;
    }
    return 0;
}

/* Without spaces around it, and with one where there are several. */
static int add_value(struct buf *out, const char *value, struct error *error)
{
    value += strspn(value, " ");
    while (*value) {
        size_t word = strcspn(value, " ");
        if (buf_append(out, value, word, error))
            return -1;
        value += word;
        value += strspn(value, " ");
        if (*value && add(out, " ", error))
            return -1;
    }
    return 0;
}

/* A line for each name, its values joined by commas. */
static int add_headers(const void *const *sorted, size_t count, struct buf *out,
                       struct error *error)
{
    for (size_t i = 0; i < count; i++) {
        const struct http_header *header = sorted[i];
        int failed = is_first(sorted, i)
                         ? add_lower(out, header->name, error) || add(out, ":", error)
                         : add(out, ",", error);
        bool last = i + 1 == count || is_first(sorted, i + 1);
        if (failed || add_value(out, header->value, error) || (last && add(out, "\n", error)))
            return -1;
    }
    return 0;
}

/* Room for the headers and all behind them: a session token may be among them, and when a buffer
 * that holds it grew, a copy would stay behind. */
static int reserve_headers(const struct aws_signing *signing, const char *names, struct buf *out,
                           struct error *error)
{
    size_t size = strlen("\n\n\n") + strlen(names) + strlen(signing->payload_sha256);
    for (size_t i = 0; i < signing->header_count; i++)
        size += strlen(signing->headers[i].name) + strlen(signing->headers[i].value) + 2;
    return buf_reserve(out, size, error);
}

static int add_request(const struct aws_signing *signing, const void *const *headers,
                       const char *names, struct buf *out, struct error *error)
{
    if (buf_printf(out, error, "%s\n%s\n", signing->method, signing->path) ||
        aws_encode_query(signing->query, signing->query_count, out, error) ||
        reserve_headers(signing, names, out, error) || add(out, "\n", error) ||
        add_headers(headers, signing->header_count, out, error))
        return -1;
    return buf_printf(out, error, "\n%s\n%s", names, signing->payload_sha256);
}

static int hash_request(const struct aws_signing *signing, const void *const *headers,
                        const char *names, char hex[SHA256_HEX_SIZE + 1], struct error *error)
{
    struct buf request = {0};
    int result = add_request(signing, headers, names, &request, error);
    if (result == 0)
        result = sha256_hex(request.data, request.length, hex, error);
    secret_buf_free(&request);
    return result;
}

/* ---- the signature ---- */

/* Not by buf_printf: printf may leave pieces of the secret on the stack. */
static int add_first_key(struct buf *key, const char *secret, struct error *error)
{
    if (buf_reserve(key, strlen("AWS4") + strlen(secret), error) || add(key, "AWS4", error))
        return -1;
    return add(key, secret, error);
}

/* The HMAC of each message is the key of the next one's; the last one is the signature. */
static int sign_chain(const char *secret, const char *const *messages, size_t count,
                      char hex[SHA256_HEX_SIZE + 1], struct error *error)
{
    struct buf first = {0};
    unsigned char mac[SHA256_SIZE];
    int result = add_first_key(&first, secret, error);
    for (size_t i = 0; result == 0 && i < count; i++)
        result = hmac_sha256(i ? (const void *)mac : first.data, i ? sizeof mac : first.length,
                             messages[i], strlen(messages[i]), mac, error);
    if (result == 0)
        encode_hex(mac, sizeof mac, hex);
    explicit_bzero(mac, sizeof mac);
    secret_buf_free(&first);
    return result;
}

int aws_sign(const struct aws_signing *signing, struct buf *authorization, struct error *error)
{
    char date[AWS_DATE_SIZE + 1] = "", day[DAY_SIZE + 1] = "", hex[SHA256_HEX_SIZE + 1];
    struct buf names = {0}, scope = {0}, text = {0};
    int result = -1;
    aws_date(signing->time, date);
    memcpy(day, date, DAY_SIZE);
    const void **headers = sort(signing->headers, signing->header_count, sizeof *signing->headers,
                                compare_headers, error);
    if (!headers || add_names(headers, signing->header_count, &names, error) ||
        hash_request(signing, headers, names.data, hex, error) ||
        buf_printf(&scope, error, "%s/%s/%s/" SCOPE_END, day, signing->region, signing->service) ||
        buf_printf(&text, error, ALGORITHM "\n%s\n%s\n%s", date, scope.data, hex))
        goto out;
    const char *const messages[] = {day, signing->region, signing->service, SCOPE_END, text.data};
    if (sign_chain(signing->secret_key, messages, sizeof messages / sizeof messages[0], hex, error))
        goto out;
    result = buf_printf(authorization, error,
                        ALGORITHM " Credential=%s/%s, SignedHeaders=%s, Signature=%s",
                        signing->access_key, scope.data, names.data, hex);
out:
    free(headers);
    buf_free(&names);
    buf_free(&scope);
    buf_free(&text);
    return result;
}
