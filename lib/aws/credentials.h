/* aws/credentials.h - who we are to S3, found as AWS's own tools find it.
 *
 * In this order, the first that is configured counts (and when it then fails, that is an error: the
 * next one is not tried):
 *   1. AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN (not when a profile is given by
 *      the setting s3-profile)
 *   2. web identity: AWS_WEB_IDENTITY_TOKEN_FILE, AWS_ROLE_ARN, AWS_ROLE_SESSION_NAME (not when a
 *      profile is given by the setting)
 *   3. the profile (s3-profile, AWS_PROFILE, "default") in ~/.aws/credentials
 *      (AWS_SHARED_CREDENTIALS_FILE) and ~/.aws/config (AWS_CONFIG_FILE): keys;
 * web_identity_token_file with role_arn; credential_process
 *   4. container: AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or _FULL_URI,
 * AWS_CONTAINER_AUTHORIZATION_TOKEN(_FILE)
 *   5. instance metadata, IMDSv2 (AWS_EC2_METADATA_DISABLED, AWS_EC2_METADATA_SERVICE_ENDPOINT)
 *
 * Secrets are never part of a message, and are wiped before their memory is freed;
 * libcurl and expat may leave copies of what came over the network in theirs.
 */
#ifndef AWS_CREDENTIALS_H
#define AWS_CREDENTIALS_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

struct error;
struct aws_credentials;

/* Borrowed from the aws_credentials until the next call. */
struct aws_keys {
    const char *access_key;
    const char *secret_key;
    const char *session_token; /* NULL: none */
};

/* `profile` is the setting (NULL: none given), `timeout` bounds each request to a metadata service
 * or STS, in milliseconds. Nothing is asked for yet. The caller closes it; NULL is allowed. */
struct aws_credentials *aws_credentials_open(const char *profile, const char *ca_file,
                                             uint64_t timeout, struct error *error);
void aws_credentials_close(struct aws_credentials *credentials);

/* The keys to sign with now: found at the first call, fetched anew when they expire within five
 * minutes (if that fails while they are still valid, the old ones are given). ERROR_USAGE when
 * nothing is configured or what is configured is wrong, with all that was looked for;
 * ERROR_UNREACHABLE when a service does not answer. */
int aws_credentials_get(struct aws_credentials *credentials, struct aws_keys *keys,
                        struct error *error);

/* The server says that they have expired: the next get fetches them anew. False when they are of a
 * kind that can't be had anew (keys in the environment). */
bool aws_credentials_expired(struct aws_credentials *credentials);

/* What the profile (or the environment) says of other settings: the region (AWS_REGION,
 * AWS_DEFAULT_REGION, the profile's `region`), the endpoint (AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL,
 * the profile's `endpoint_url`, unless AWS_IGNORE_CONFIGURED_ENDPOINT_URLS is true), the CA file
 * (AWS_CA_BUNDLE, the profile's `ca_bundle`). *value is NULL when there is none, else the caller's
 * to free. ERROR_USAGE for a profile that is named but not there, or a file that can't be parsed.
 */
enum aws_profile_setting { AWS_PROFILE_REGION, AWS_PROFILE_ENDPOINT, AWS_PROFILE_CA_FILE };
int aws_profile_find(const char *profile, enum aws_profile_setting setting, char **value,
                     struct error *error);

#endif
