/* A token file in the environment, as Kubernetes sets it (IAM roles for service accounts). */
#include "base/error.h"
#include "aws/environment.h"
#include "aws/sts.h"

int aws_from_web_identity(const struct aws_search *search, struct aws_grant *grant,
                          struct error *error)
{
    const struct aws_web_identity identity = {
        .token_file = aws_environment("AWS_WEB_IDENTITY_TOKEN_FILE"),
        .role_arn = aws_environment("AWS_ROLE_ARN"),
        .session_name = aws_environment("AWS_ROLE_SESSION_NAME"),
    };
    if (!identity.token_file)
        return error_set(error, ERROR_MISSING, "web identity (AWS_WEB_IDENTITY_TOKEN_FILE)");
    if (!identity.role_arn)
        return error_set(error, ERROR_USAGE,
                         "AWS_WEB_IDENTITY_TOKEN_FILE is set, but not AWS_ROLE_ARN");
    return aws_sts_assume_role(search, &identity, grant, error);
}
