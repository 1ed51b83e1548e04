#include "aws/grant.h"
#include "base/error.h"
#include "base/secret.h"
#include "aws/json.h"
#include "aws/token.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void aws_grant_free(struct aws_grant *grant)
{
    secret_free(grant->access_key);
    secret_free(grant->secret_key);
    secret_free(grant->session_token);
    *grant = (struct aws_grant){0};
}

int aws_grant_set(struct aws_grant *grant, const char *access_key, const char *secret_key,
                  const char *session_token, struct error *error)
{
    grant->access_key = strdup(access_key);
    grant->secret_key = strdup(secret_key);
    grant->session_token = session_token ? strdup(session_token) : NULL;
    if (grant->access_key && grant->secret_key && (grant->session_token || !session_token))
        return 0;
    return error_memory(error);
}

static int check(const char *what, const char *text, struct error *error)
{
    if (aws_token_is_printable(text) && !strchr(text, ' '))
        return 0;
    return error_set(error, ERROR_USAGE, "the %s %s", what,
                     *text ? "holds white space or a character that can't be in one" : "is empty");
}

int aws_grant_check(const struct aws_grant *grant, struct error *error)
{
    if (!grant->access_key || !grant->secret_key)
        return error_set(error, ERROR_USAGE, "the %s is missing",
                         grant->access_key ? "secret key" : "access key");
    if (check("access key", grant->access_key, error) ||
        check("secret key", grant->secret_key, error))
        return -1;
    return grant->session_token ? check("session token", grant->session_token, error) : 0;
}

/* ---- time ---- */

/* "01:00" or "0100", in seconds; -1 when it is none. */
static int read_offset(const char *text)
{
    unsigned hours, minutes;
    char more;
    if (strspn(text, "0123456789:") != strlen(text) ||
        (sscanf(text, "%2u:%2u%c", &hours, &minutes, &more) != 2 &&
         sscanf(text, "%2u%2u%c", &hours, &minutes, &more) != 2))
        return -1;
    return hours < 24 && minutes < 60 ? (int)(hours * 3600 + minutes * 60) : -1;
}

time_t aws_grant_time(const char *text)
{
    struct tm tm = {0};
    const char *zone = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
    if (zone && *zone == '.')
        zone += 1 + strspn(zone + 1, "0123456789");
    if (!zone || !strchr("Zz+-", *zone))
        return 0;
    time_t time = timegm(&tm);
    if (*zone != '+' && *zone != '-')
        return zone[0] && !zone[1] ? time : 0;
    int offset = read_offset(zone + 1);
    if (offset < 0)
        return 0;
    return *zone == '+' ? time - offset : time + offset;
}

/* ---- JSON ---- */

enum { ACCESS_KEY, SECRET_KEY, EXPIRATION, SESSION_TOKEN, MARK, FIELDS };

/* A mark is a word such as "Success"; anything longer is not what it should be, and is kept to
 * ourselves. */
static int check_mark(const struct aws_grant_form *form, const char *value, struct error *error)
{
    enum { WORD_MAX = 40 };
    if (value && strcmp(value, form->mark_value) == 0)
        return 0;
    if (!value || strlen(value) > WORD_MAX)
        return error_set(error, ERROR_UNREACHABLE, "it has no %s %s", form->mark, form->mark_value);
    return error_set(error, ERROR_UNREACHABLE, "its %s is %s, not %s", form->mark, value,
                     form->mark_value);
}

/* The values of the keys change hands. */
static int take(struct json_field *fields, struct aws_grant *grant, struct error *error)
{
    const char *expiration = fields[EXPIRATION].value;
    grant->access_key = fields[ACCESS_KEY].value;
    grant->secret_key = fields[SECRET_KEY].value;
    grant->session_token = fields[SESSION_TOKEN].value;
    fields[ACCESS_KEY].value = fields[SECRET_KEY].value = fields[SESSION_TOKEN].value = NULL;
    grant->expires = expiration ? aws_grant_time(expiration) : 0;
    if (expiration && !grant->expires)
        return error_set(error, ERROR_UNREACHABLE, "its Expiration is no time");
    if (aws_grant_check(grant, error)) {
        error->class = ERROR_UNREACHABLE;
        return -1;
    }
    return 0;
}

int aws_grant_read(const char *text, size_t size, const struct aws_grant_form *form,
                   struct aws_grant *grant, struct error *error)
{
    struct json_field fields[FIELDS] = {
        [ACCESS_KEY] = {.name = "AccessKeyId"},          [SECRET_KEY] = {.name = "SecretAccessKey"},
        [EXPIRATION] = {.name = "Expiration"},           [SESSION_TOKEN] = {.name = form->token},
        [MARK] = {.name = form->mark ? form->mark : ""},
    };
    int result = -1;
    if (json_read_fields(text, size, fields, FIELDS, error) == 0 &&
        (!form->mark || check_mark(form, fields[MARK].value, error) == 0))
        result = take(fields, grant, error);
    json_free_fields(fields, FIELDS);
    return result;
}
