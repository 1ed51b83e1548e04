/* aws/provider.h - a provider of credentials, one link of the chain in credentials.c.
 * Only for files of this room. */
#ifndef AWS_PROVIDER_H
#define AWS_PROVIDER_H

#include <stdint.h>

#include "aws/grant.h"

struct error;

struct aws_search {
    const char *profile; /* the setting; NULL: none */
    const char *ca_file; /* NULL: the system's */
    uint64_t timeout;    /* milliseconds for each request, and for a process */
};

/* Fills the grant, which is empty before. ERROR_MISSING means that it is not configured here, and
 * the message then is no sentence but names what was looked for. ERROR_USAGE: what is configured is
 * wrong; ERROR_UNREACHABLE, ERROR_SYSTEM, ERROR_INTERRUPTED. After a failure the grant may hold a
 * part. No message holds a secret. */
typedef int aws_provider(const struct aws_search *search, struct aws_grant *grant,
                         struct error *error);

aws_provider aws_from_environment;
aws_provider aws_from_web_identity;
aws_provider aws_from_profile;
aws_provider aws_from_container;
aws_provider aws_from_instance;

#endif
