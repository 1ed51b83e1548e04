/* Keys in the environment. */
#include "base/error.h"
#include "aws/environment.h"
#include "aws/provider.h"

static const char access_name[] = "AWS_ACCESS_KEY_ID";
static const char secret_name[] = "AWS_SECRET_ACCESS_KEY";
static const char token_name[] = "AWS_SESSION_TOKEN";

int aws_from_environment(const struct aws_search *search, struct aws_grant *grant,
                         struct error *error)
{
    (void)search;
    const char *access_key = aws_environment(access_name);
    const char *secret_key = aws_environment(secret_name);
    if (!access_key && !secret_key)
        return error_set(error, ERROR_MISSING, "%s", access_name);
    if (!access_key || !secret_key)
        return error_set(error, ERROR_USAGE, "%s is set, but not %s",
                         access_key ? access_name : secret_name,
                         access_key ? secret_name : access_name);
    if (aws_grant_set(grant, access_key, secret_key, aws_environment(token_name), error) ||
        aws_grant_check(grant, error))
        return error_prefix(error, "AWS_* in the environment: ");
    return 0;
}
