/* aws_surroundings.h - where credentials are looked for, under a test's control: an environment
 * without AWS's variables, and a home of its own. What is secret in a test has "hush" in it, so
 * that every message can be searched for it.
 */
#ifndef AWS_SURROUNDINGS_H
#define AWS_SURROUNDINGS_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "aws/credentials.h"
#include "tap.h"

extern char **environ;

static char surroundings_home[] = "/tmp/waltools-s3-XXXXXX";

static inline void surroundings_forget(void)
{
    for (char **variable = environ; *variable;) {
        char *name = strndup(*variable, strcspn(*variable, "="));
        if (strncmp(name, "AWS_", 4) == 0 || strcasestr(name, "proxy")) {
            unsetenv(name);
            variable = environ;
        } else {
            variable++;
        }
        free(name);
    }
    setenv("HOME", surroundings_home, 1);
    setenv("AWS_EC2_METADATA_DISABLED", "true", 1);
}

/* Writes a file below the home; returns its path, until the next call. */
static inline const char *surroundings_write(const char *name, const char *text)
{
    static char path[200];
    snprintf(path, sizeof path, "%s/%s", surroundings_home, name);
    FILE *file = fopen(path, "w");
    if (!file || fputs(text, file) < 0 || fclose(file))
        abort();
    return path;
}

static inline void surroundings_begin(void)
{
    char path[200];
    if (!mkdtemp(surroundings_home))
        abort();
    snprintf(path, sizeof path, "%s/.aws", surroundings_home);
    if (mkdir(path, 0700))
        abort();
    surroundings_forget();
}

static inline void surroundings_end(void)
{
    char command[200];
    snprintf(command, sizeof command, "rm -rf %s", surroundings_home);
    if (system(command))
        abort();
}

/* "2026-01-31T12:00:00Z", so many seconds from now. */
static inline const char *surroundings_time(int seconds)
{
    static char text[40];
    time_t then = time(NULL) + seconds;
    struct tm tm;
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&then, &tm));
    return text;
}

/* ---- verdicts ---- */

enum { SURROUNDINGS_TIMEOUT = 1500 };

static inline void gives_again(struct aws_credentials *credentials, const char *access_key,
                               const char *what)
{
    struct aws_keys keys = {0};
    struct error error = {0};
    int result = aws_credentials_get(credentials, &keys, &error);
    is_string(result ? error.message : keys.access_key, access_key, "%s", what);
}

/* Everything in "access/secret/token", as the tests write them. */
static inline void gives(const char *profile, const char *expected, const char *what)
{
    struct error error = {0};
    struct aws_keys keys = {0};
    char all[5000];
    struct aws_credentials *credentials =
        aws_credentials_open(profile, NULL, SURROUNDINGS_TIMEOUT, &error);
    if (aws_credentials_get(credentials, &keys, &error))
        snprintf(all, sizeof all, "%s", error.message);
    else
        snprintf(all, sizeof all, "%s/%s/%s", keys.access_key, keys.secret_key,
                 keys.session_token ? keys.session_token : "none");
    is_string(all, expected, "%s", what);
    aws_credentials_close(credentials);
}

/* Unless the reason is about the end of the chain ("neither ...", "nor ..."), it must not have been
 * reached. */
static inline void tells(const struct error *error, enum error_class class, const char *reason,
                         const char *what)
{
    bool at_end = strstr(reason, "neither ") || strstr(reason, "nor ");
    bool reached = strstr(error->message, "no S3 credentials: ");
    if (!ok(error->class == class && strstr(error->message, reason) && at_end == reached, "%s",
            what))
        printf("# class %d, expected %d: %s\n", error->class, class, error->message);
    ok(!strstr(error->message, "hush"), "... and keeps the secrets: %s", error->message);
}

static inline void fails(const char *profile, enum error_class class, const char *reason,
                         const char *what)
{
    struct error error = {0};
    struct aws_keys keys;
    struct aws_credentials *credentials =
        aws_credentials_open(profile, NULL, SURROUNDINGS_TIMEOUT, &error);
    if (aws_credentials_get(credentials, &keys, &error) == 0)
        error = (struct error){0};
    tells(&error, class, reason, what);
    aws_credentials_close(credentials);
}

#endif
