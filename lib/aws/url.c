#include "aws/url.h"
#include "aws/token.h"

#include <arpa/inet.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char http[] = "http://";
static const char https[] = "https://";

enum { HOST_MAX = 255 };

/* The host without port and brackets; false when there is none. */
static bool find_host(const char *authority, size_t length, char host[HOST_MAX + 1])
{
    const char *begin = authority, *end;
    if (*authority == '[') {
        begin++;
        end = memchr(authority, ']', length);
        if (!end)
            return false;
    } else {
        end = memchr(authority, ':', length);
        if (!end)
            end = authority + length;
    }
    const char *port = *end == ']' ? end + 1 : end, *last = authority + length;
    if (end == begin || end - begin > HOST_MAX)
        return false;
    if (port < last && (*port != ':' || port + 1 + strspn(port + 1, "0123456789") < last))
        return false;
    snprintf(host, HOST_MAX + 1, "%.*s", (int)(end - begin), begin);
    return true;
}

struct address {
    int family;
    unsigned char bytes[sizeof(struct in6_addr)];
};

/* Only the usual forms: "127.1" and the like are no addresses here. */
static bool read_address(const char *text, struct address *address)
{
    *address = (struct address){.family = strchr(text, ':') ? AF_INET6 : AF_INET};
    return inet_pton(address->family, text, address->bytes) == 1;
}

static bool is_this_machine(const struct address *address)
{
    static const struct in6_addr loopback = IN6ADDR_LOOPBACK_INIT;
    if (address->family == AF_INET)
        return address->bytes[0] == 127;
    return memcmp(address->bytes, &loopback, sizeof loopback) == 0;
}

static bool is_allowed(const char *host, const char *const *also)
{
    struct address address, other;
    if (strcasecmp(host, "localhost") == 0)
        return true;
    if (!read_address(host, &address))
        return false;
    if (is_this_machine(&address))
        return true;
    for (; also && *also; also++)
        if (read_address(*also, &other) && memcmp(&address, &other, sizeof other) == 0)
            return true;
    return false;
}

bool aws_url_keeps_secrets(const char *url, const char *const *also)
{
    char host[HOST_MAX + 1];
    if (!aws_token_is_printable(url) || strpbrk(url, " \\"))
        return false;
    bool encrypted = strncasecmp(url, https, sizeof https - 1) == 0;
    if (!encrypted && strncasecmp(url, http, sizeof http - 1) != 0)
        return false;
    const char *authority = url + (encrypted ? sizeof https : sizeof http) - 1;
    size_t length = strcspn(authority, "/?#");
    if (memchr(authority, '@', length) || !find_host(authority, length, host))
        return false;
    return encrypted || is_allowed(host, also);
}
