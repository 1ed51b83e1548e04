/* A profile in AWS's shared files. */
#include "base/error.h"
#include "aws/process.h"
#include "aws/profile.h"
#include "aws/provider.h"
#include "aws/sts.h"

#include <stdbool.h>

static int not_configured(const struct aws_profile *profile, struct error *error)
{
    if (profile->found)
        return error_set(error, ERROR_MISSING, "profile \"%s\" (which has no credentials)",
                         profile->name);
    return error_set(error, ERROR_MISSING, "profile \"%s\" in %s", profile->name,
                     profile->credentials_path ? profile->credentials_path : "~/.aws/credentials");
}

/* AWS's own tools would take the role before any keys, so keys of another user beside it are none
 * to go on with. */
static int unsupported(const struct aws_profile *profile, struct error *error)
{
    const char *key = profile->values[AWS_KEY_UNSUPPORTED];
    return error_set(error, ERROR_USAGE,
                     "profile \"%s\" has %s, which is not supported here; make a profile with "
                     "credential_process = aws configure export-credentials --profile %s --format "
                     "process",
                     profile->name, key ? key : "role_arn without web_identity_token_file",
                     profile->name);
}

static int assume_role(const struct aws_search *search, const struct aws_profile *profile,
                       struct aws_grant *grant, struct error *error)
{
    const struct aws_web_identity identity = {.token_file = profile->values[AWS_KEY_TOKEN_FILE],
                                              .role_arn = profile->values[AWS_KEY_ROLE_ARN],
                                              .session_name =
                                                  profile->values[AWS_KEY_SESSION_NAME]};
    if (!identity.role_arn)
        return error_set(error, ERROR_USAGE, "web_identity_token_file without role_arn");
    return aws_sts_assume_role(search, &identity, grant, error);
}

static int take_keys(const struct aws_profile *profile, struct aws_grant *grant,
                     struct error *error)
{
    const char *access_key = profile->values[AWS_KEY_ACCESS_KEY];
    const char *secret_key = profile->values[AWS_KEY_SECRET_KEY];
    if (!access_key || !secret_key)
        return error_set(error, ERROR_USAGE, "%s is missing",
                         access_key ? "aws_secret_access_key" : "aws_access_key_id");
    if (aws_grant_set(grant, access_key, secret_key, profile->values[AWS_KEY_SESSION_TOKEN], error))
        return -1;
    return aws_grant_check(grant, error);
}

static int run_process(const struct aws_search *search, const struct aws_profile *profile,
                       struct aws_grant *grant, struct error *error)
{
    int result = aws_process_run(profile->values[AWS_KEY_PROCESS], search->timeout, grant, error);
    return result ? error_prefix(error, "credential_process: ") : 0;
}

/* In the order of AWS's own tools: roles, then keys, then a process. */
static int take(const struct aws_search *search, const struct aws_profile *profile,
                struct aws_grant *grant, struct error *error)
{
    char *const *values = profile->values;
    bool has_keys = values[AWS_KEY_ACCESS_KEY] || values[AWS_KEY_SECRET_KEY];
    bool is_elsewhere = values[AWS_KEY_UNSUPPORTED] || values[AWS_KEY_ROLE_ARN];
    int result;
    if (values[AWS_KEY_TOKEN_FILE])
        result = assume_role(search, profile, grant, error);
    else if (has_keys && !is_elsewhere)
        result = take_keys(profile, grant, error);
    else if (values[AWS_KEY_PROCESS])
        result = run_process(search, profile, grant, error);
    else
        return is_elsewhere ? unsupported(profile, error) : not_configured(profile, error);
    return result ? error_prefix(error, "profile \"%s\": ", profile->name) : 0;
}

int aws_from_profile(const struct aws_search *search, struct aws_grant *grant, struct error *error)
{
    struct aws_profile profile;
    int result = aws_profile_read(search->profile, &profile, error);
    if (result == 0)
        result = take(search, &profile, grant, error);
    aws_profile_free(&profile);
    return result;
}
