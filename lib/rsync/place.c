#include "rsync/place.h"
#include "base/error.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char scheme[] = "rsync://";

/* What is no host is no user either: neither ssh nor rsync must take it for something else. */
static bool is_plain(const char *text, size_t length)
{
    if (length == 0 || text[0] == '-')
        return false;
    for (size_t i = 0; i < length; i++)
        if (!isalnum((unsigned char)text[i]) && !strchr("@.-_:[]%+", text[i]))
            return false;
    return true;
}

static bool is_authority(const char *text, size_t length)
{
    const char *at = memchr(text, '@', length);
    if (!at)
        return is_plain(text, length);
    size_t user = (size_t)(at - text);
    return is_plain(text, user) && is_plain(at + 1, length - user - 1) &&
           !memchr(at + 1, '@', length - user - 1);
}

/* Control characters would break messages and rsync's own protocol, ".." could leave a module. */
static bool is_path(const char *path)
{
    for (const char *c = path; *c; c++)
        if (iscntrl((unsigned char)*c))
            return false;
    for (const char *part = path; part; part = strchr(part, '/')) {
        part += *part == '/';
        if (strncmp(part, "..", 2) == 0 && (part[2] == '/' || !part[2]))
            return false;
    }
    return true;
}

/* "a//b/./" is "a/b": an archive has one name. A slash at the beginning stays. */
static char *clean_path(const char *text, struct error *error)
{
    char *path = malloc(strlen(text) + 2), *to = path;
    if (!path) {
        error_memory(error);
        return NULL;
    }
    if (*text == '/')
        *to++ = '/';
    for (const char *part = text + strspn(text, "/"); *part; part += strspn(part, "/")) {
        size_t length = strcspn(part, "/");
        if (length != 1 || *part != '.') {
            memcpy(to, part, length);
            to += length;
            *to++ = '/';
        }
        part += length;
    }
    if (to > path + 1)
        to--;
    *to = '\0';
    return path;
}

static char *format(struct error *error, const char *text, ...)
    __attribute__((format(printf, 2, 3)));

static char *format(struct error *error, const char *text, ...)
{
    char *result;
    va_list arguments;
    va_start(arguments, text);
    int length = vasprintf(&result, text, arguments);
    va_end(arguments);
    if (length >= 0)
        return result;
    error_memory(error);
    return NULL;
}

static int parse_daemon(struct rsync_place *place, const char *location, struct error *error)
{
    const char *authority = location + sizeof scheme - 1;
    size_t length = strcspn(authority, "/");
    const char *at = memchr(authority, '@', length);
    if (at && memchr(authority, ':', (size_t)(at - authority)))
        return error_set(error, ERROR_USAGE,
                         "an rsync:// archive holds a password: it belongs into "
                         "rsync-password-file, or RSYNC_PASSWORD in the environment");
    const char *path = authority + length + strspn(authority + length, "/");
    if (!is_authority(authority, length) || !*path || !is_path(path))
        return error_set(error, ERROR_USAGE,
                         "\"%s\" is no archive: it must be rsync://[user@]host[:port]/module, "
                         "with a path behind it or none",
                         location);
    place->daemon = true;
    place->directory = clean_path(path, error);
    const char *host = at ? at + 1 : authority;
    place->host = format(error, "%.*s", (int)(authority + length - host), host);
    if (!place->directory || !place->host)
        return -1;
    place->base = format(error, "%s%.*s/%s/", scheme, (int)length, authority, place->directory);
    return place->base ? 0 : -1;
}

/* The colon that ends the host; those of an IPv6 address are within brackets. */
static const char *end_of_host(const char *location)
{
    const char *bracket = strchr(location, '[');
    const char *colon = strchr(location, ':');
    if (bracket && colon && bracket < colon)
        colon = strstr(bracket, "]:") ? strstr(bracket, "]:") + 1 : NULL;
    return colon;
}

/* ssh itself wants an IPv6 address without brackets. */
static char *without_brackets(const char *host, size_t length, struct error *error)
{
    char *result = format(error, "%.*s", (int)length, host), *to = result;
    for (const char *from = result; from && *from; from++)
        if (*from != '[' && *from != ']')
            *to++ = *from;
    if (result)
        *to = '\0';
    return result;
}

static int parse_ssh(struct rsync_place *place, const char *location, struct error *error)
{
    const char *colon = end_of_host(location);
    size_t length = colon ? (size_t)(colon - location) : 0;
    if (colon && colon[1] == ':')
        return error_set(error, ERROR_USAGE,
                         "\"%s\": an rsync daemon's module is written rsync://%.*s/module",
                         location, (int)length, location);
    if (!colon || strstr(location, "://") || !is_authority(location, length) || !is_path(colon + 1))
        return error_set(error, ERROR_USAGE,
                         "\"%s\" is no archive: give a directory (/path, ./path or file:///path), "
                         "user@host:/path, rsync://host/module, s3://bucket/prefix or the name of "
                         "a section of waltools.conf",
                         location);
    if (colon[1] != '/')
        return error_set(error, ERROR_USAGE, "\"%s\": the path must be absolute, %.*s:/path",
                         location, (int)length, location);
    place->directory = clean_path(colon + 1, error);
    place->host = without_brackets(location, length, error);
    if (!place->directory || !place->host)
        return -1;
    place->base = format(error, "%.*s:%s%s", (int)length, location, place->directory,
                         place->directory[1] ? "/" : "");
    return place->base ? 0 : -1;
}

int rsync_place_parse(struct rsync_place *place, const char *location, struct error *error)
{
    *place = (struct rsync_place){.daemon = false};
    return strncmp(location, scheme, sizeof scheme - 1) == 0 ? parse_daemon(place, location, error)
                                                             : parse_ssh(place, location, error);
}

void rsync_place_free(struct rsync_place *place)
{
    free(place->host);
    free(place->base);
    free(place->directory);
}
