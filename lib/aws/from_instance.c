/* The role of a virtual machine, from its metadata service. AWS EC2 User Guide, "Use the Instance
 * Metadata Service": version 2, which asks for a token first; never version 1, which hands out keys
 * to whoever can make this machine send a GET. */
#include "base/error.h"
#include "base/secret.h"
#include "aws/environment.h"
#include "aws/inquiry.h"
#include "aws/provider.h"
#include "aws/token.h"
#include "aws/url.h"

#include <stdbool.h>
#include <string.h>

#define WHAT "instance metadata"
#define ENDPOINT "AWS_EC2_METADATA_SERVICE_ENDPOINT"

/* Where there is no such service, a connection is often not refused but left without answer. */
enum { PROBE_MS = 1000, PROBES = 2 };

/* Nobody else can have these addresses. */
static const char *const services[] = {"169.254.169.254", "fd00:ec2::254", NULL};

struct service {
    const char *endpoint;
    bool is_given; /* by the environment: then it must be there */
    uint64_t timeout;
};

static int inquire(const struct service *service, uint64_t timeout, const char *method,
                   const char *path, const struct http_header *header, struct buf *answer,
                   struct error *error)
{
    const struct http_options options = {
        .connect_ms = timeout, .stall_ms = timeout, .direct = true};
    struct buf url = {0};
    struct http_request request = {.method = method, .headers = header, .header_count = 1};
    int status = -1;
    size_t length = strlen(service->endpoint);
    while (length && service->endpoint[length - 1] == '/')
        length--;
    if (buf_printf(&url, error, "%.*s/latest/%s", (int)length, service->endpoint, path) == 0) {
        request.url = url.data;
        status = aws_inquire(&options, &request, answer, error);
    }
    buf_free(&url);
    return status;
}

/* ---- the token ---- */

/* Nobody is there, as on most machines, unless the environment says so. */
static int absent(const struct service *service, struct error *error)
{
    if (error->class != ERROR_UNREACHABLE)
        return -1;
    if (service->is_given)
        return error_prefix(error, WHAT ": ");
    error->class = ERROR_MISSING;
    error_prefix(error, WHAT " (");
    size_t used = strlen(error->message);
    if (used + 1 < sizeof error->message)
        memcpy(error->message + used, ")", sizeof ")");
    return -1;
}

static int ask_token(const struct service *service, struct buf *token, struct error *error)
{
    static const struct http_header lifetime = {"X-aws-ec2-metadata-token-ttl-seconds", "21600"};
    uint64_t timeout = service->timeout < PROBE_MS ? service->timeout : PROBE_MS;
    int status = -1;
    for (int i = 0; i < PROBES && (status < 0 || status >= 500); i++) {
        secret_buf_free(token);
        status = inquire(service, timeout, "PUT", "api/token", &lifetime, token, error);
        if (status < 0 && error->class != ERROR_UNREACHABLE)
            return -1;
    }
    if (status > 0 && status != 200)
        error_set(error, ERROR_UNREACHABLE, "it has no IMDSv2: it answers %d", status);
    else if (status == 200 && !aws_token_is_printable(token->data))
        error_set(error, ERROR_UNREACHABLE, "it has no IMDSv2: what it answers is no token");
    else if (status == 200)
        return 0;
    return absent(service, error);
}

/* ---- role and keys ---- */

#define ROLES "meta-data/iam/security-credentials/"

/* IAM's names; so nothing in it can change the meaning of a path. */
static bool is_role(const char *name)
{
    enum { ROLE_MAX = 64 };
    size_t length = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                 "0123456789+=,.@_-");
    return length > 0 && length <= ROLE_MAX && !name[length];
}

static int ask_role(const struct service *service, const struct http_header *token,
                    struct buf *role, struct error *error)
{
    int status = inquire(service, service->timeout, "GET", ROLES, token, role, error);
    if (status < 0)
        return error_prefix(error, WHAT ": ");
    if (status == 404)
        return error_set(error, ERROR_MISSING, WHAT " (the instance has no role)");
    if (status != 200)
        return error_set(error, ERROR_UNREACHABLE, WHAT ": it answers %d", status);
    role->data[strcspn(role->data, "\r\n")] = '\0';
    if (!is_role(role->data))
        return error_set(error, ERROR_UNREACHABLE, WHAT ": what it answers is no name of a role");
    return 0;
}

static int ask_keys(const struct service *service, const struct http_header *token,
                    const char *role, struct aws_grant *grant, struct error *error)
{
    static const struct aws_grant_form form = {"Token", "Code", "Success"};
    struct buf path = {0}, answer = {0};
    int result = buf_printf(&path, error, ROLES "%s", role);
    if (result == 0) {
        int status = inquire(service, service->timeout, "GET", path.data, token, &answer, error);
        if (status > 0 && status != 200)
            error_set(error, ERROR_UNREACHABLE, "it answers %d", status);
        result =
            status == 200 ? aws_grant_read(answer.data, answer.length, &form, grant, error) : -1;
    }
    buf_free(&path);
    secret_buf_free(&answer);
    return result ? error_prefix(error, WHAT ": role %s: ", role) : 0;
}

int aws_from_instance(const struct aws_search *search, struct aws_grant *grant, struct error *error)
{
    const char *given = aws_environment(ENDPOINT);
    struct service service = {given ? given : "http://169.254.169.254", given, search->timeout};
    struct buf token = {0}, role = {0};
    if (aws_environment_is("AWS_EC2_METADATA_DISABLED", "true"))
        return error_set(error, ERROR_MISSING, WHAT " (AWS_EC2_METADATA_DISABLED)");
    if (!aws_url_keeps_secrets(service.endpoint, services))
        return error_set(error, ERROR_USAGE,
                         ENDPOINT " is no https:// URL (http:// is for this machine and EC2's own "
                                  "addresses)");
    int result = ask_token(&service, &token, error);
    if (result == 0) {
        struct http_header header = {"X-aws-ec2-metadata-token", token.data};
        result = ask_role(&service, &header, &role, error);
        if (result == 0)
            result = ask_keys(&service, &header, role.data, grant, error);
    }
    secret_buf_free(&token);
    buf_free(&role);
    return result;
}
