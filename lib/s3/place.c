#include "s3/place.h"
#include "base/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char http[] = "http://";
static const char https[] = "https://";

/* ---- names ---- */

/* AWS "Bucket naming rules", without those that old buckets break; what matters is that nothing in
 * it can change the meaning of a URL. */
static bool is_bucket(const char *name)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";
    size_t length = strlen(name);
    return length >= 3 && length <= 255 && strspn(name, letters) == length && *name != '.' &&
           *name != '-' && !strstr(name, "..");
}

static bool is_region(const char *name)
{
    return *name &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") ==
               strlen(name);
}

/* A bucket whose name is one label of a host name: a certificate for *.endpoint fits no other. */
static bool is_label(const char *bucket)
{
    return strspn(bucket, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen(bucket) &&
           strlen(bucket) <= 63;
}

/* ---- endpoints ---- */

static bool is_loopback(const char *host)
{
    size_t length = *host == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":/");
    return (length == 9 && strncasecmp(host, "localhost", 9) == 0) ||
           (length > 10 && strncasecmp(host + length - 10, ".localhost", 10) == 0) ||
           (length == 5 && strncmp(host, "[::1]", 5) == 0) ||
           (strncmp(host, "127.", 4) == 0 && strspn(host, "0123456789.") >= length);
}

/* The host of the URL, with its port; NULL when it is none that can be used. */
static const char *host_of(const char *endpoint, const char **scheme)
{
    *scheme = strncasecmp(endpoint, https, sizeof https - 1) == 0 ? https
              : strncasecmp(endpoint, http, sizeof http - 1) == 0 ? http
                                                                  : NULL;
    return *scheme ? endpoint + strlen(*scheme) : NULL;
}

/* None, or one from 1 to 65535. */
static bool has_good_port(const char *host, size_t length)
{
    const char *bracket = memchr(host, ']', length), *from = bracket ? bracket : host;
    const char *colon = memchr(from, ':', length - (size_t)(from - host));
    if (!colon)
        return true;
    size_t digits = strspn(colon + 1, "0123456789");
    unsigned long port = digits <= 5 ? strtoul(colon + 1, NULL, 10) : 0;
    return colon + 1 + digits == host + length && port >= 1 && port <= 65535;
}

static int check_endpoint(const char *endpoint, bool plain_http, struct error *error)
{
    const char *scheme, *host = host_of(endpoint, &scheme);
    size_t length = host ? strcspn(host, "/") : 0;
    if (strchr(endpoint, '@')) /* what stands before it may be a password */
        return error_set(error, ERROR_USAGE,
                         "s3-endpoint must not hold a user: give https://host or "
                         "https://host:port");
    if (length == 0 || !has_good_port(host, length) || strpbrk(host, "?# \t") ||
        (host[length] && host[length + 1]))
        return error_set(error, ERROR_USAGE,
                         "s3-endpoint \"%s\" is no URL of a server: give https://host or "
                         "https://host:port",
                         endpoint);
    if (scheme == http && !plain_http && !is_loopback(host))
        return error_set(error, ERROR_USAGE,
                         "s3-endpoint %s is not encrypted: use https://, or force it with "
                         "s3-plain-http",
                         endpoint);
    return 0;
}

/* AWS "Amazon Simple Storage Service endpoints": the partition follows from the region. */
static char *aws_endpoint(const char *region)
{
    char *endpoint;
    const char *domain = strncmp(region, "cn-", 3) == 0 ? "amazonaws.com.cn" : "amazonaws.com";
    return asprintf(&endpoint, "https://s3.%s.%s", region, domain) < 0 ? NULL : endpoint;
}

static bool is_virtual(const struct s3_place *place, int addressing)
{
    if (addressing == S3_ADDRESSING_AUTO)
        return place->is_aws && is_label(place->bucket);
    return addressing == S3_ADDRESSING_VIRTUAL;
}

static void forget(struct s3_place *place)
{
    free(place->origin);
    free(place->host);
    free(place->root);
    place->origin = place->host = place->root = NULL;
}

static int locate(struct s3_place *place, const char *endpoint, int addressing, struct error *error)
{
    const char *scheme, *host = host_of(endpoint, &scheme);
    int length = (int)strcspn(host, "/");
    bool virtual = is_virtual(place, addressing);
    forget(place);
    place->is_plain = scheme == http;
    place->is_local = is_loopback(host);
    if (asprintf(&place->host, "%s%s%.*s", virtual ? place->bucket : "", virtual ? "." : "", length,
                 host) < 0)
        place->host = NULL;
    else if (asprintf(&place->origin, "%s%s", scheme, place->host) < 0)
        place->origin = NULL;
    else if (asprintf(&place->root, "%s%s", virtual ? "" : "/", virtual ? "" : place->bucket) < 0)
        place->root = NULL;
    return place->host && place->origin && place->root ? 0 : error_memory(error);
}

static int locate_aws(struct s3_place *place, int addressing, struct error *error)
{
    char *endpoint = aws_endpoint(place->region);
    int result = endpoint ? locate(place, endpoint, addressing, error) : error_memory(error);
    free(endpoint);
    return result;
}

int s3_place_make(const char *bucket, const char *region, const char *endpoint, int addressing,
                  bool plain_http, struct s3_place *place, struct error *error)
{
    *place =
        (struct s3_place){.bucket = strdup(bucket), .region = strdup(region), .is_aws = !endpoint};
    if (!place->bucket || !place->region)
        return error_memory(error);
    if (!is_bucket(bucket))
        return error_set(error, ERROR_USAGE,
                         "\"%s\" is no name of a bucket: give s3://bucket/prefix", bucket);
    if (!is_region(region))
        return error_set(error, ERROR_USAGE, "\"%s\" is no name of a region, such as us-east-1",
                         region);
    if (!endpoint)
        return locate_aws(place, addressing, error);
    return check_endpoint(endpoint, plain_http, error) || locate(place, endpoint, addressing, error)
               ? -1
               : 0;
}

int s3_place_move(struct s3_place *place, const char *region, int addressing, struct error *error)
{
    if (!is_region(region))
        return error_set(error, ERROR_UNREACHABLE, "the server names a region that can't be one");
    char *copy = strdup(region);
    if (!copy)
        return error_memory(error);
    free(place->region);
    place->region = copy;
    return place->is_aws ? locate_aws(place, addressing, error) : 0;
}

void s3_place_free(struct s3_place *place)
{
    forget(place);
    free(place->bucket);
    free(place->region);
    *place = (struct s3_place){0};
}
