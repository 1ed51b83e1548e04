/* STS: what is asked, which answers are none, and where it is. */
#include "aws_surroundings.h"
#include "small_server.h"

#define STS_KEYS(token)                                                                            \
    "<AssumeRoleWithWebIdentityResponse xmlns='https://sts.amazonaws.com/doc/2011-06-15/'>"        \
    "<AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>AKID</AccessKeyId>"                \
    "<SecretAccessKey>hush</SecretAccessKey>" token                                                \
    "<Expiration>2050-01-01T00:00:00Z</Expiration></Credentials>"                                  \
    "<Audience>x</Audience></AssumeRoleWithWebIdentityResult>"                                     \
    "</AssumeRoleWithWebIdentityResponse>"
#define STS_ERROR(code, message)                                                                   \
    "<ErrorResponse xmlns='x'><Error><Type>Sender</Type><Code>" code "</Code><Message>" message    \
    "</Message></Error><RequestId>1</RequestId></ErrorResponse>"

static void set_sts(struct server *server)
{
    server_reset(server);
    setenv("AWS_ENDPOINT_URL_STS", server->origin, 1);
    setenv("AWS_WEB_IDENTITY_TOKEN_FILE", surroundings_write("token", "hush.+/=\n"), 1);
    setenv("AWS_ROLE_ARN", "arn:aws:iam::1:role/r", 1);
    server_answer(server, "POST /", "Content-Type: application/x-www-form-urlencoded", 200,
                  STS_KEYS("<SessionToken>hush-t</SessionToken>"));
}

static void test_sts(struct server *server)
{
    set_sts(server);
    gives(NULL, "AKID/hush/hush-t", "a web identity");
    is_string(strstr(server->last, "\r\n\r\n"),
              "\r\n\r\nAction=AssumeRoleWithWebIdentity&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fr&"
              "RoleSessionName=waltools&Version=2011-06-15&WebIdentityToken=hush.%2B%2F%3D",
              "asked as STS expects it, with the token encoded");
    ok(!strcasestr(server->last, "\r\nAuthorization:"), "not signed");
    setenv("AWS_ROLE_SESSION_NAME", "me@here", 1);
    surroundings_write("token", "hush-2");
    gives(NULL, "AKID/hush/hush-t", "another");
    ok(strstr(server->last, "RoleSessionName=me%40here&"), "AWS_ROLE_SESSION_NAME");
    ok(strstr(server->last, "WebIdentityToken=hush-2"), "the token's file is read again");
    unsetenv("AWS_ROLE_ARN");
    fails(NULL, ERROR_USAGE, "AWS_WEB_IDENTITY_TOKEN_FILE is set, but not AWS_ROLE_ARN", "no role");
    surroundings_forget();

    set_sts(server);
    char profile[300];
    snprintf(profile, sizeof profile,
             "[profile p]\nrole_arn = of-profile\nweb_identity_token_file = %s/token\n"
             "role_session_name = session\n",
             surroundings_home);
    surroundings_write(".aws/config", profile);
    gives("p", "AKID/hush/hush-t", "a web identity in a profile");
    ok(strstr(server->last, "RoleArn=of-profile&RoleSessionName=session&"), "with its role");
    surroundings_write(".aws/config", "");
    surroundings_forget();
}

static void test_sts_errors(struct server *server)
{
    static const struct {
        int status;
        const char *body;
        enum error_class class;
        const char *reason;
    } answers[] = {
        {403, STS_ERROR("AccessDenied", "Not authorized"), ERROR_USAGE,
         ": it answers 403 AccessDenied: Not authorized"},
        {400, STS_ERROR("ExpiredTokenException", "the token hush.+/= is old"), ERROR_USAGE,
         ": it answers 400 ExpiredTokenException"},
        {400, STS_ERROR("IDPCommunicationError", "x"), ERROR_UNREACHABLE, "IDPCommunicationError"},
        {400, STS_ERROR("Throttling", "x"), ERROR_UNREACHABLE, "400 Throttling: x"},
        {429, "hush", ERROR_UNREACHABLE, ": it answers 429"},
        {404, "<html>hush", ERROR_USAGE, ": it answers 404"},
        {403, "", ERROR_USAGE, ": it answers 403"},
        {503, STS_ERROR("X", "y"), ERROR_UNREACHABLE, ": it answers 503 X: y"},
        {307, "hush", ERROR_UNREACHABLE, ": it answers 307"},
        {200, "", ERROR_UNREACHABLE, "is not S3's XML"},
        {200, "<html><body>hush</body></html>", ERROR_UNREACHABLE, "it is <html>"},
        {200, "{\"hush\": 1}", ERROR_UNREACHABLE, "is not S3's XML"},
        {200, STS_ERROR("X", "y"), ERROR_UNREACHABLE, "it is <ErrorResponse>"},
        {200, "<AssumeRoleWithWebIdentityResponse/>", ERROR_UNREACHABLE, "holds no credentials"},
        {200, STS_KEYS(""), ERROR_UNREACHABLE, "holds no credentials"},
        {200, STS_KEYS("<SessionToken>hush\r\nX: y</SessionToken>"), ERROR_UNREACHABLE,
         "the session token holds white space"},
        {SERVER_ENDLESS, "<hush>", ERROR_UNREACHABLE, "without end"},
        {SERVER_SILENT, "", ERROR_UNREACHABLE, "no answer for 1.5 seconds"},
    };
    char what[100];
    set_sts(server);
    surroundings_write("token", "hush.+/=");
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        server_answer(server, "POST /", "", answers[i].status, answers[i].body);
        snprintf(what, sizeof what, "STS, bad answer %zu", i);
        fails(NULL, answers[i].class, answers[i].reason, what);
    }
    surroundings_forget();
}

static void test_sts_places(struct server *server)
{
    set_sts(server);
    setenv("AWS_ENDPOINT_URL_STS", "http://192.0.2.1/", 1);
    fails(NULL, ERROR_USAGE, "AWS_ENDPOINT_URL_STS is no https:// URL", "not without encryption");
    surroundings_write("token", "");
    setenv("AWS_ENDPOINT_URL_STS", server->origin, 1);
    fails(NULL, ERROR_USAGE, "holds no web identity token", "an empty token");
    surroundings_write("token", "hush hush\nhush");
    fails(NULL, ERROR_USAGE, "holds no web identity token", "a token of two lines");
    is_int(server->requests, 0, "nothing of that is sent");
    surroundings_write("token", "hush");

    /* http:// is for this machine: by a proxy it would be another one, which reads the token. */
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
    gives(NULL, "AKID/hush/hush-t", "not by a proxy");
    /* With a proxy that refuses, it is seen where a request would have gone to. */
    setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true", 1);
    setenv("https_proxy", "http://127.0.0.1:1", 1);
    fails(NULL, ERROR_UNREACHABLE, "STS at https://sts.amazonaws.com: ", "without a region");
    setenv("AWS_REGION", "eu-west-1", 1);
    fails(NULL, ERROR_UNREACHABLE, "STS at https://sts.eu-west-1.amazonaws.com: ", "a region");
    setenv("AWS_REGION", "cn-north-1", 1);
    fails(NULL, ERROR_UNREACHABLE, "STS at https://sts.cn-north-1.amazonaws.com.cn: ", "in China");
    setenv("AWS_REGION", "x/../evil", 1);
    fails(NULL, ERROR_USAGE, "is no region", "a region that is none");
    setenv("AWS_REGION", "eu-west-1", 1);
    setenv("AWS_STS_REGIONAL_ENDPOINTS", "legacy", 1);
    fails(NULL, ERROR_UNREACHABLE, "STS at https://sts.amazonaws.com: ", "the old way");
    surroundings_forget();
}

int main(void)
{
    struct server *server = server_start();
    surroundings_begin();
    test_sts(server);
    test_sts_errors(server);
    test_sts_places(server);
    surroundings_end();
    server_stop(server);
    return done_testing();
}
