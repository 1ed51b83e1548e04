/* aws/profile.h - a profile in AWS's shared files: ~/.aws/credentials and ~/.aws/config. AWS
 * SDKs and Tools Reference Guide, "Shared config and credentials files". Only for files of this
 * room. */
#ifndef AWS_PROFILE_H
#define AWS_PROFILE_H

#include <stdbool.h>

struct error;

enum aws_profile_key {
    AWS_KEY_ACCESS_KEY, /* these three come from one file, never from both */
    AWS_KEY_SECRET_KEY,
    AWS_KEY_SESSION_TOKEN,
    AWS_KEY_TOKEN_FILE,
    AWS_KEY_ROLE_ARN,
    AWS_KEY_SESSION_NAME,
    AWS_KEY_PROCESS,
    AWS_KEY_REGION,
    AWS_KEY_ENDPOINT,
    AWS_KEY_CA_FILE,
    AWS_KEY_UNSUPPORTED, /* a way to credentials that is not ours; its value is the key's name */
    AWS_KEYS,
};

struct aws_profile {
    const char *name; /* borrowed from the caller or the environment */
    char *credentials_path;
    char *config_path;
    bool found;             /* in one of them */
    char *values[AWS_KEYS]; /* NULL: not there, or empty. The file of credentials wins. */
};

/* Reads the profile `setting`, or AWS_PROFILE, or "default". A file that is not there has no
 * profiles. ERROR_USAGE when a profile that is named is in none, or for a file that can't be read
 * or parsed. The caller frees it (aws_profile_free), also after a failure. */
int aws_profile_read(const char *setting, struct aws_profile *profile, struct error *error);

/* Wipes it and makes it empty. */
void aws_profile_free(struct aws_profile *profile);

#endif
