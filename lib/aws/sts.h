/* aws/sts.h - AWS's Security Token Service, of which one action is used:
 * AssumeRoleWithWebIdentity (API version 2011-06-15), which needs no signature. Only for files of
 * this room. */
#ifndef AWS_STS_H
#define AWS_STS_H

#include "aws/provider.h"

struct aws_web_identity {
    const char *token_file;
    const char *role_arn;
    const char *session_name; /* NULL: waltools */
};

/* Asks AWS_ENDPOINT_URL_STS, else AWS's own for the region (global when none is known, or with
 * AWS_STS_REGIONAL_ENDPOINTS=legacy), and fills the grant, which is empty before. Classes as in
 * aws_provider.h: a refusal is ERROR_USAGE, with STS's reason. */
int aws_sts_assume_role(const struct aws_search *search, const struct aws_web_identity *identity,
                        struct aws_grant *grant, struct error *error);

#endif
