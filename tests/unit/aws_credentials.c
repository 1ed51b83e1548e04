/* Who is asked for credentials, in which order, and when again. */
#include "base/clock.h"
#include "aws_surroundings.h"
#include "small_server.h"
#include "aws/grant.h"

static void answer_keys(struct server *server, const char *access_key, const char *expiration)
{
    char body[1000];
    snprintf(body, sizeof body,
             "{\"AccessKeyId\":\"%s\",\"SecretAccessKey\":\"hush\",\"Token\":\"hush-t\","
             "\"Expiration\":\"%s\"}",
             access_key, expiration);
    server_answer(server, "GET /keys", "", 200, body);
}

static void set_container(const struct server *server)
{
    char url[100];
    snprintf(url, sizeof url, "%s/keys", server->origin);
    setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", url, 1);
}

/* ---- the chain ---- */

static void set_keys(const char *access_key, const char *secret_key)
{
    setenv("AWS_ACCESS_KEY_ID", access_key, 1);
    setenv("AWS_SECRET_ACCESS_KEY", secret_key, 1);
}

static void test_environment(void)
{
    set_keys("ENV", "hush");
    gives(NULL, "ENV/hush/none", "keys in the environment");
    setenv("AWS_SESSION_TOKEN", "hush-token", 1);
    gives("", "ENV/hush/hush-token", "with a session token");
    setenv("AWS_SESSION_TOKEN", "", 1);
    gives(NULL, "ENV/hush/none", "an empty one is none");
    set_keys("ENV", "");
    fails(NULL, ERROR_USAGE, "AWS_ACCESS_KEY_ID is set, but not AWS_SECRET_ACCESS_KEY",
          "half of a pair");
    set_keys("", "hush");
    fails(NULL, ERROR_USAGE, "AWS_SECRET_ACCESS_KEY is set, but not", "the other half");
    set_keys("ENV", "hush\n");
    fails(NULL, ERROR_USAGE, "the secret key holds white space", "a line break behind a key");
    set_keys("ENV\r\nX-Evil: hush", "hush");
    fails(NULL, ERROR_USAGE, "the access key holds white space", "a header in a key");
    surroundings_forget();
}

/* From the last to the first: each one that is added hides those before. */
static void test_order(struct server *server)
{
    server_reset(server);
    server_answer(server, "PUT /latest/api/token", "", 200, "hush-imds");
    server_answer(server, "GET /latest/meta-data/iam/security-credentials/", "", 200, "role");
    server_answer(server, "GET /latest/meta-data/iam/security-credentials/role", "", 200,
                  "{\"Code\":\"Success\",\"AccessKeyId\":\"INSTANCE\",\"SecretAccessKey\":\"hush\","
                  "\"Token\":\"hush-t\",\"Expiration\":\"2050-01-01T00:00:00Z\"}");
    answer_keys(server, "CONTAINER", "2050-01-01T00:00:00Z");
    unsetenv("AWS_EC2_METADATA_DISABLED");
    setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", server->origin, 1);
    gives(NULL, "INSTANCE/hush/hush-t", "5. instance");
    set_container(server);
    gives(NULL, "CONTAINER/hush/hush-t", "4. container");
    surroundings_write(".aws/config", "[profile a]\nregion = x\n");
    gives("a", "CONTAINER/hush/hush-t", "a profile without credentials does not end the chain");
    surroundings_write(".aws/credentials", "[default]\naws_access_key_id = PROFILE\n"
                                           "aws_secret_access_key = hush\n");
    gives(NULL, "PROFILE/hush/none", "3. profile");
    setenv("AWS_WEB_IDENTITY_TOKEN_FILE", "/nonexistent/file", 1);
    setenv("AWS_ROLE_ARN", "arn:aws:iam::1:role/r", 1);
    fails(NULL, ERROR_USAGE, "token: can't open /nonexistent/file",
          "2. web identity, which is not passed over when it fails");
    gives("default", "PROFILE/hush/none", "the setting of a profile hides web identity");
    set_keys("ENV", "hush");
    gives(NULL, "ENV/hush/none", "1. environment");
    setenv("AWS_PROFILE", "default", 1);
    gives(NULL, "ENV/hush/none", "AWS_PROFILE does not hide the environment");
    gives("default", "PROFILE/hush/none", "the setting of a profile does");
    fails("missing", ERROR_USAGE, "there is no profile \"missing\"", "a profile that is not there");
    remove(surroundings_write(".aws/credentials", ""));
    surroundings_forget();
}

static void test_nothing(void)
{
    char expected[500];
    remove(surroundings_write(".aws/config", ""));
    snprintf(expected, sizeof expected,
             "no S3 credentials: neither AWS_ACCESS_KEY_ID nor web identity "
             "(AWS_WEB_IDENTITY_TOKEN_FILE) nor profile \"default\" in %s/.aws/credentials nor "
             "container (AWS_CONTAINER_CREDENTIALS_RELATIVE_URI, "
             "AWS_CONTAINER_CREDENTIALS_FULL_URI) nor instance metadata "
             "(AWS_EC2_METADATA_DISABLED); see waltools.conf(5)",
             surroundings_home);
    fails(NULL, ERROR_USAGE, expected, "nothing is configured");
    surroundings_write(".aws/config", "[profile a]\nregion = x\n");
    fails("a", ERROR_USAGE, "neither profile \"a\" (which has no credentials) nor container",
          "a profile without credentials, and nothing else");
}

static void test_profiles(void)
{
    static const struct {
        const char *text, *reason;
    } wrong[] = {
        {"aws_access_key_id = A\n", "profile \"default\": aws_secret_access_key is missing"},
        {"aws_secret_access_key = hush\n", "aws_access_key_id is missing"},
        {"aws_access_key_id = A\naws_secret_access_key = hush # hush\n", "holds white space"},
        {"role_arn = r\nsource_profile = x\n", "has source_profile, which is not supported"},
        {"sso_session = x\n", "credential_process = aws configure export-credentials --profile "
                              "default --format process"},
        {"role_arn = r\n", "has role_arn without web_identity_token_file"},
        {"web_identity_token_file = f\n", "web_identity_token_file without role_arn"},
        {"role_arn = r\nsource_profile = x\naws_access_key_id = A\naws_secret_access_key = hush\n",
         "has source_profile"},
    };
    char text[500];
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        snprintf(text, sizeof text, "[default]\n%s", wrong[i].text);
        surroundings_write(".aws/credentials", text);
        fails(NULL, ERROR_USAGE, wrong[i].reason, wrong[i].reason);
    }
    surroundings_write(".aws/credentials",
                       "[default]\nrole_arn = r\nsource_profile = x\naws_access_key_id = A\n"
                       "aws_secret_access_key = hush\ncredential_process = echo '{\"Version\":1,"
                       "\"AccessKeyId\":\"PROCESS\",\"SecretAccessKey\":\"hush\"}'\n");
    gives(NULL, "PROCESS/hush/none", "a process goes before keys that would need a role");
    remove(surroundings_write(".aws/credentials", ""));
}

/* ---- time ---- */

static struct aws_credentials *open_container(struct server *server, const char *access_key,
                                              const char *expiration)
{
    struct error error;
    server_reset(server);
    set_container(server);
    answer_keys(server, access_key, expiration);
    return aws_credentials_open(NULL, NULL, SURROUNDINGS_TIMEOUT, &error);
}

/* Until the key is another one, or for ten seconds. */
static const char *wait_other(struct aws_credentials *credentials, const char *old)
{
    static struct aws_keys keys;
    static struct error error;
    uint64_t deadline = clock_now_ms() + 10000;
    do
        clock_sleep_ms(20);
    while (aws_credentials_get(credentials, &keys, &error) == 0 &&
           strcmp(keys.access_key, old) == 0 && clock_now_ms() < deadline);
    return keys.access_key;
}

static void test_refresh(struct server *server)
{
    struct aws_credentials *credentials = open_container(server, "OLD", surroundings_time(3600));
    gives_again(credentials, "OLD", "keys for an hour");
    answer_keys(server, "NEW", surroundings_time(3600));
    gives_again(credentials, "OLD", "they are used again");
    is_int(server->requests, 1, "without asking");
    ok(aws_credentials_expired(credentials), "the server says that they have expired");
    gives_again(credentials, "NEW", "then there are new ones");
    gives_again(credentials, "NEW", "which are used again");
    is_int(server->requests, 2, "all by one request");
    aws_credentials_close(credentials);

    credentials = open_container(server, "OLD", surroundings_time(299));
    gives_again(credentials, "OLD", "keys for less than five minutes");
    for (int i = 0; i < 20; i++)
        gives_again(credentials, "OLD", "they are used");
    ok(server->requests <= 3, "without asking each time: %d", server->requests);
    answer_keys(server, "NEW", surroundings_time(3600));
    is_string(wait_other(credentials, "OLD"), "NEW", "and new ones are fetched early");
    aws_credentials_close(credentials);
}

static void test_failing_refresh(struct server *server)
{
    struct error error;
    struct aws_keys keys;
    uint64_t before = clock_now_ms();
    struct aws_credentials *credentials = open_container(server, "OLD", surroundings_time(4));
    gives_again(credentials, "OLD", "keys for four seconds");
    server_answer(server, "GET /keys", "", 500, "hush");
    while (server->requests == 1 && aws_credentials_get(credentials, &keys, &error) == 0)
        clock_sleep_ms(20);
    gives_again(credentials, "OLD", "they are used on when new ones can't be had");
    is_int(server->requests, 2, "without asking all the time");
    while (aws_credentials_get(credentials, &keys, &error) == 0)
        clock_sleep_ms(20);
    tells(&error, ERROR_UNREACHABLE,
          "S3 credentials can't be had anew: container credentials: it answers 500",
          "until they have expired");
    ok(clock_now_ms() - before < 20000, "and no longer");
    answer_keys(server, "NEW", surroundings_time(3600));
    gives_again(credentials, "NEW", "afterwards new ones are taken at once");
    aws_credentials_close(credentials);
}

static void test_refused(struct server *server)
{
    struct error error;
    struct aws_keys keys;
    struct aws_credentials *credentials = open_container(server, "OLD", surroundings_time(3600));
    gives_again(credentials, "OLD", "keys for an hour");
    server_answer(server, "GET /keys", "", 500, "");
    aws_credentials_expired(credentials);
    is_int(aws_credentials_get(credentials, &keys, &error), -1,
           "keys that the server has refused are not given again");
    surroundings_forget();
    is_int(aws_credentials_get(credentials, &keys, &error), -1, "who has granted is asked again");
    tells(&error, ERROR_UNREACHABLE, "no longer there: container", "and nobody else");
    aws_credentials_close(credentials);

    set_keys("ENV", "hush");
    credentials = aws_credentials_open(NULL, NULL, SURROUNDINGS_TIMEOUT, &error);
    gives_again(credentials, "ENV", "keys in the environment");
    ok(!aws_credentials_expired(credentials), "can't be had anew");
    aws_credentials_close(credentials);
    surroundings_forget();
}

static void test_times(void)
{
    static const struct {
        const char *text;
        time_t time;
    } times[] = {
        {"1970-01-02T00:00:00Z", 86400},
        {"2026-01-31T12:34:56Z", 1769862896},
        {"2026-01-31T12:34:56.789Z", 1769862896},
        {"2026-01-31T12:34:56+00:00", 1769862896},
        {"2026-01-31T14:34:56.5+02:00", 1769862896},
        {"2026-01-31T10:34:56-0200", 1769862896},
        {"2026-01-31T12:34:56", 0},
        {"2026-01-31T12:34:56Zz", 0},
        {"2026-01-31T12:34:56+2", 0},
        {"2026-01-31T12:34:56+-2:00", 0},
        {"2026-01-31T12:34:56+ 2:00", 0},
        {"2026-01-31T12:34:56+99:00", 0},
        {"2026-13-31T12:34:56Z", 0},
        {"2026-01-31", 0},
        {"never", 0},
        {"", 0},
    };
    for (size_t i = 0; i < sizeof times / sizeof *times; i++)
        is_int(aws_grant_time(times[i].text), times[i].time, "time \"%s\"", times[i].text);
}

int main(void)
{
    struct server *server = server_start();
    surroundings_begin();
    test_environment();
    test_order(server);
    test_nothing();
    test_profiles();
    test_refresh(server);
    test_failing_refresh(server);
    test_refused(server);
    test_times();
    surroundings_end();
    server_stop(server);
    return done_testing();
}
