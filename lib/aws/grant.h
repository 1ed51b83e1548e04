/* aws/grant.h - keys as a provider of credentials grants them, for a time. Only for files of
 * this room. */
#ifndef AWS_GRANT_H
#define AWS_GRANT_H

#include <stddef.h>
#include <time.h>

struct error;

/* Zero-initialise ({0}). */
struct aws_grant {
    char *access_key;
    char *secret_key;
    char *session_token; /* NULL: none */
    time_t expires;      /* 0: never */
};

/* Wipes it and makes it empty. */
void aws_grant_free(struct aws_grant *grant);

/* Copies the keys into an empty one; the token may be NULL. */
int aws_grant_set(struct aws_grant *grant, const char *access_key, const char *secret_key,
                  const char *session_token, struct error *error);

/* ERROR_USAGE when a key is missing, or when something is no key: it holds white space, or what is
 * not printable. */
int aws_grant_check(const struct aws_grant *grant, struct error *error);

/* "2026-01-31T12:00:00Z", with or without fraction, or with "+00:00" instead of "Z". 0 when it is
 * none. */
time_t aws_grant_time(const char *text);

/* Those who give keys as a JSON object call its fields AccessKeyId, SecretAccessKey and Expiration
 * (which may be missing), and differ in the others. */
struct aws_grant_form {
    const char *token;      /* the session token's name; it may be missing */
    const char *mark;       /* a field that must be there ... */
    const char *mark_value; /* ... with this value; NULL for both: none */
};

/* Reads and checks an object into an empty grant. ERROR_UNREACHABLE when it is not of this form,
 * without a word of it but the mark. */
int aws_grant_read(const char *text, size_t size, const struct aws_grant_form *form,
                   struct aws_grant *grant, struct error *error);

#endif
