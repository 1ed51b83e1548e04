#include "aws/sts.h"
#include "base/error.h"
#include "base/secret.h"
#include "aws/credentials.h"
#include "aws/environment.h"
#include "aws/inquiry.h"
#include "aws/sign.h"
#include "aws/token.h"
#include "aws/url.h"
#include "aws/xml.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- where ---- */

/* AWS "AWS STS Regions and endpoints". */
static int aws_endpoint(const char *region, char **endpoint, struct error *error)
{
    int n;
    if (!region || aws_environment_is("AWS_STS_REGIONAL_ENDPOINTS", "legacy"))
        n = asprintf(endpoint, "https://sts.amazonaws.com");
    else if (strspn(region, "abcdefghijklmnopqrstuvwxyz0123456789-") != strlen(region))
        return error_set(error, ERROR_USAGE, "STS: \"%s\" is no region, such as us-east-1", region);
    else
        n = asprintf(endpoint, "https://sts.%s.amazonaws.com%s", region,
                     strncmp(region, "cn-", 3) == 0 ? ".cn" : "");
    return n < 0 ? error_memory(error) : 0;
}

static int copy_endpoint(const char *given, char **endpoint, struct error *error)
{
    if (!aws_url_keeps_secrets(given, NULL))
        return error_set(error, ERROR_USAGE,
                         "AWS_ENDPOINT_URL_STS is no https:// URL (http:// is for this machine "
                         "alone)");
    *endpoint = strdup(given);
    return *endpoint ? 0 : error_memory(error);
}

static int find_endpoint(const struct aws_search *search, char **endpoint, struct error *error)
{
    const char *given = aws_environment("AWS_ENDPOINT_URL_STS");
    if (given && !aws_environment_is("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true"))
        return copy_endpoint(given, endpoint, error);
    char *region = NULL;
    int result = aws_profile_find(search->profile, AWS_PROFILE_REGION, &region, error);
    if (result == 0)
        result = aws_endpoint(region, endpoint, error);
    free(region);
    return result;
}

/* ---- what is asked ---- */

/* Whoever writes a token by hand may end it with a newline. */
static int read_token(const char *path, struct buf *token, struct error *error)
{
    if (aws_token_read(path, token, error))
        return -1;
    while (token->length && strchr(" \t\r\n", token->data[token->length - 1]))
        token->data[--token->length] = '\0';
    if (!aws_token_is_printable(token->data))
        return error_set(error, ERROR_USAGE, "token: %s holds no web identity token", path);
    return 0;
}

static int make_form(const struct aws_web_identity *identity, const char *token, struct buf *form,
                     struct error *error)
{
    enum { NAMES_SIZE = 200, ENCODED_SIZE = 3 };
    const char *name = identity->session_name ? identity->session_name : "waltools";
    const struct aws_parameter parameters[] = {
        {"Action", "AssumeRoleWithWebIdentity"},
        {"Version", "2011-06-15"},
        {"RoleArn", identity->role_arn},
        {"RoleSessionName", name},
        {"WebIdentityToken", token},
    };
    size_t size = strlen(identity->role_arn) + strlen(name) + strlen(token);
    if (buf_reserve(form, NAMES_SIZE + ENCODED_SIZE * size, error))
        return -1;
    return aws_encode_query(parameters, sizeof parameters / sizeof *parameters, form, error);
}

static int post(const struct aws_search *search, const char *endpoint, const struct buf *form,
                struct buf *answer, struct error *error)
{
    static const struct http_header type = {"Content-Type", "application/x-www-form-urlencoded"};
    const struct http_options options = {
        .ca_file = search->ca_file,
        .connect_ms = search->timeout,
        .stall_ms = search->timeout,
        /* It is this machine: for a proxy it would be another one, and the token would be read. */
        .direct = strncasecmp(endpoint, "http:", 5) == 0,
    };
    const struct http_request request = {.method = "POST",
                                         .url = endpoint,
                                         .headers = &type,
                                         .header_count = 1,
                                         .body = form->data,
                                         .body_size = form->length};
    return aws_inquire(&options, &request, answer, error);
}

/* ---- what is answered ---- */

#define CREDENTIALS "AssumeRoleWithWebIdentityResult/Credentials/"

struct answer {
    char *access_key, *secret_key, *session_token, *expiration;
    char *code, *message; /* of an error */
};

static int take_element(void *context, const char *path, const char *text, struct error *error)
{
    struct answer *answer = context;
    const struct {
        const char *path;
        char **value;
    } elements[] = {
        {CREDENTIALS "AccessKeyId", &answer->access_key},
        {CREDENTIALS "SecretAccessKey", &answer->secret_key},
        {CREDENTIALS "SessionToken", &answer->session_token},
        {CREDENTIALS "Expiration", &answer->expiration},
        {"Error/Code", &answer->code},
        {"Error/Message", &answer->message},
    };
    for (size_t i = 0; i < sizeof elements / sizeof *elements; i++)
        if (strcmp(path, elements[i].path) == 0) {
            secret_free(*elements[i].value);
            *elements[i].value = strdup(text);
            return *elements[i].value ? 0 : error_memory(error);
        }
    return 0;
}

static void answer_free(struct answer *answer)
{
    secret_free(answer->access_key);
    secret_free(answer->secret_key);
    secret_free(answer->session_token);
    secret_free(answer->expiration);
    secret_free(answer->code);
    secret_free(answer->message);
}

static int take_keys(const struct answer *answer, struct aws_grant *grant, struct error *error)
{
    if (!answer->access_key || !answer->secret_key || !answer->session_token || !answer->expiration)
        return error_set(error, ERROR_UNREACHABLE, "the answer holds no credentials");
    grant->expires = aws_grant_time(answer->expiration);
    if (!grant->expires)
        return error_set(error, ERROR_UNREACHABLE, "the answer's Expiration is no time");
    if (aws_grant_set(grant, answer->access_key, answer->secret_key, answer->session_token, error))
        return -1;
    if (aws_grant_check(grant, error)) {
        error->class = ERROR_UNREACHABLE;
        return -1;
    }
    return 0;
}

/* A refusal stays one, but for these. */
static enum error_class classify(int status, const char *code)
{
    static const char *const passing[] = {"IDPCommunicationError", "Throttling",
                                          "ThrottlingException", "RequestLimitExceeded"};
    for (size_t i = 0; i < sizeof passing / sizeof *passing; i++)
        if (strcmp(code, passing[i]) == 0)
            return ERROR_UNREACHABLE;
    return status >= 400 && status < 500 && status != 429 ? ERROR_USAGE : ERROR_UNREACHABLE;
}

/* What the server says is repeated, unless it repeats the token. */
static int refused(int status, const struct answer *answer, const char *token, struct error *error)
{
    enum { CODE_MAX = 60, MESSAGE_MAX = 300 };
    const char *code = answer->code ? answer->code : "";
    const char *message = answer->message ? answer->message : "";
    if (strstr(code, token))
        code = "";
    if (strstr(message, token))
        message = "";
    return error_set(error, classify(status, code), "it answers %d%s%.*s%s%.*s", status,
                     *code ? " " : "", CODE_MAX, code, *message ? ": " : "", MESSAGE_MAX, message);
}

static int read_answer(int status, const struct buf *text, const char *token,
                       struct aws_grant *grant, struct error *error)
{
    struct answer answer = {0};
    struct error ignored;
    int result;
    if (status == 200) {
        result = aws_xml_read(text->data, text->length, "AssumeRoleWithWebIdentityResponse",
                              take_element, &answer, error);
        if (result == 0)
            result = take_keys(&answer, grant, error);
    } else {
        if (text->length)
            aws_xml_read(text->data, text->length, "ErrorResponse", take_element, &answer,
                         &ignored);
        result = refused(status, &answer, token, error);
    }
    answer_free(&answer);
    return result;
}

static int ask(const struct aws_search *search, const char *endpoint, const char *token,
               const struct buf *form, struct aws_grant *grant, struct error *error)
{
    struct buf answer = {0};
    int status = post(search, endpoint, form, &answer, error);
    int result = status < 0 ? -1 : read_answer(status, &answer, token, grant, error);
    secret_buf_free(&answer);
    return result ? error_prefix(error, "STS at %s: ", endpoint) : 0;
}

int aws_sts_assume_role(const struct aws_search *search, const struct aws_web_identity *identity,
                        struct aws_grant *grant, struct error *error)
{
    struct buf token = {0}, form = {0};
    char *endpoint = NULL;
    int result = -1;
    if (find_endpoint(search, &endpoint, error) == 0 &&
        read_token(identity->token_file, &token, error) == 0 &&
        make_form(identity, token.data, &form, error) == 0)
        result = ask(search, endpoint, token.data, &form, grant, error);
    secret_buf_free(&token);
    secret_buf_free(&form);
    free(endpoint);
    return result;
}
