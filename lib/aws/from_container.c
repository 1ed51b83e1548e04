/* Credentials of a container: of a task (ECS) or a pod (EKS Pod Identity). AWS SDKs and Tools
 * Reference Guide, "Container credential provider". */
#include "base/error.h"
#include "base/secret.h"
#include "aws/environment.h"
#include "aws/inquiry.h"
#include "aws/provider.h"
#include "aws/token.h"
#include "aws/url.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX "AWS_CONTAINER_"
#define RELATIVE_URI PREFIX "CREDENTIALS_RELATIVE_URI"
#define FULL_URI PREFIX "CREDENTIALS_FULL_URI"
#define TOKEN PREFIX "AUTHORIZATION_TOKEN"
#define TOKEN_FILE PREFIX "AUTHORIZATION_TOKEN_FILE"
#define TASK_AGENT "169.254.170.2"

/* The agents of ECS and EKS: nobody else can have these addresses. */
static const char *const agents[] = {TASK_AGENT, "169.254.170.23", "fd00:ec2::23", NULL};

/* The path tells which credentials, so it is no more for messages than a token. */
static char *find_url(struct error *error)
{
    char *url = NULL;
    const char *relative = aws_environment(RELATIVE_URI), *full = aws_environment(FULL_URI);
    if (!relative && !full) {
        error_set(error, ERROR_MISSING, "container (%s, %s)", RELATIVE_URI, FULL_URI);
        return NULL;
    }
    if (relative ? asprintf(&url, "http://" TASK_AGENT "%s", relative) < 0
                 : !(url = strdup(full))) {
        error_memory(error);
        return NULL;
    }
    if ((!relative || *relative == '/') && aws_url_keeps_secrets(url, agents))
        return url;
    free(url);
    error_set(error, ERROR_USAGE, "%s is no %s", relative ? RELATIVE_URI : FULL_URI,
              relative
                  ? "absolute path"
                  : "https:// URL (http:// is for this machine and the agents of ECS and EKS)");
    return NULL;
}

/* Leaves `token` empty when there is none. */
static int find_token(struct buf *token, struct error *error)
{
    const char *file = aws_environment(TOKEN_FILE), *text = aws_environment(TOKEN);
    if (!file && !text)
        return 0;
    if (file ? aws_token_read(file, token, error) : buf_append(token, text, strlen(text), error))
        return -1;
    if (!aws_token_is_printable(token->data))
        return error_set(error, ERROR_USAGE,
                         "%s holds a line break or a character that can't be in a token",
                         file ? file : TOKEN);
    return 0;
}

static int ask(const struct aws_search *search, const char *url, const char *token,
               struct buf *answer, struct error *error)
{
    const struct http_options options = {.ca_file = search->ca_file,
                                         .connect_ms = search->timeout,
                                         .stall_ms = search->timeout,
                                         .direct = true};
    const struct http_header authorization = {"Authorization", token};
    const struct http_request request = {
        .method = "GET", .url = url, .headers = &authorization, .header_count = token ? 1 : 0};
    int status = aws_inquire(&options, &request, answer, error);
    if (status > 0 && status != 200)
        return error_set(error, ERROR_UNREACHABLE, "it answers %d", status);
    return status < 0 ? -1 : 0;
}

int aws_from_container(const struct aws_search *search, struct aws_grant *grant,
                       struct error *error)
{
    static const struct aws_grant_form form = {.token = "Token"};
    struct buf token = {0}, answer = {0};
    char *url = find_url(error);
    if (!url)
        return -1;
    int result = find_token(&token, error);
    if (result == 0)
        result = ask(search, url, token.data, &answer, error);
    if (result == 0)
        result = aws_grant_read(answer.data, answer.length, &form, grant, error);
    secret_buf_free(&token);
    secret_buf_free(&answer);
    secret_free(url);
    return result ? error_prefix(error, "container credentials: ") : 0;
}
