/* The services on a machine's own network that hand out credentials: what is asked, and which
 * answers are none. */
#include "base/clock.h"
#include "aws_surroundings.h"
#include "small_server.h"
#include "aws/http.h"
#include "aws/url.h"

#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>

#define KEYS "\"AccessKeyId\":\"AKID\",\"SecretAccessKey\":\"hush\",\"Token\":\"hush-t\""
#define UNTIL ",\"Expiration\":\"2050-01-01T00:00:00Z\""

/* Answers that are none, from whichever service, and what is said to them. */
static const struct junk {
    int status;
    const char *body, *reason;
} junk[] = {
    {200, "", "it is no JSON object"},
    {200, "<html><body>hush</body></html>", "it is no JSON object"},
    {200, "{\"AccessKeyId\":\"hush", "it is no JSON object"},
    {200, "{\"Code\":\"Success\"}", "the access key is missing"},
    {200, "{\"Code\":\"Success\"," KEYS ",\"Expiration\":\"hush\"}", "its Expiration is no time"},
    {302, "hush", "it answers 302"},
    {401, "hush", "it answers 401"},
    {500, "hush", "it answers 500"},
    {SERVER_ENDLESS, "{\"hush\":", "without end"},
    {SERVER_SILENT, "", "no answer for 1.5 seconds"},
};

enum { JUNK = sizeof junk / sizeof *junk };

static void set_url(const char *variable, const struct server *server, const char *path)
{
    char url[200];
    snprintf(url, sizeof url, "%s%s", server->origin, path);
    setenv(variable, url, 1);
}

/* ---- containers ---- */

#define FULL_URI "AWS_CONTAINER_CREDENTIALS_FULL_URI"
#define RELATIVE_URI "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"
#define TOKEN "AWS_CONTAINER_AUTHORIZATION_TOKEN"
#define TOKEN_FILE "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"

static void test_container(struct server *server)
{
    server_reset(server);
    set_url(FULL_URI, server, "/hush?x=y");
    server_answer(server, "GET /hush?x=y", "", 200, "{" KEYS UNTIL "}");
    gives(NULL, "AKID/hush/hush-t", "AWS_CONTAINER_CREDENTIALS_FULL_URI");
    ok(!strcasestr(server->last, "\r\nAuthorization:"), "without a token there is no header");
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
    gives(NULL, "AKID/hush/hush-t", "never by a proxy");
    server_answer(server, "GET /hush?x=y", "Authorization: Basic hush-a", 200, "{" KEYS UNTIL "}");
    setenv(TOKEN, "Basic hush-a", 1);
    gives(NULL, "AKID/hush/hush-t", "with a token");
    setenv(TOKEN_FILE, surroundings_write("token", "hush-file"), 1);
    fails(NULL, ERROR_UNREACHABLE, "container credentials: it answers 401", "a wrong token");
    server_answer(server, "GET /hush?x=y", "Authorization: hush-file", 200, "{" KEYS UNTIL "}");
    gives(NULL, "AKID/hush/hush-t", "the token's file goes before the token");
    surroundings_forget();
}

static void test_container_tokens(struct server *server)
{
    struct error error;
    server_reset(server);
    set_url(FULL_URI, server, "/hush");
    server_answer(server, "GET /hush", "Authorization: hush-1", 200,
                  "{\"AccessKeyId\":\"ONE\",\"SecretAccessKey\":\"hush\"}");
    setenv(TOKEN_FILE, surroundings_write("token", "hush-1"), 1);
    struct aws_credentials *credentials = aws_credentials_open(NULL, NULL, 1000, &error);
    gives_again(credentials, "ONE", "a token in a file");
    server_answer(server, "GET /hush", "Authorization: hush-2", 200,
                  "{\"AccessKeyId\":\"TWO\",\"SecretAccessKey\":\"hush\"}");
    surroundings_write("token", "hush-2");
    aws_credentials_expired(credentials);
    gives_again(credentials, "TWO", "is read again for each use");
    aws_credentials_close(credentials);

    int before = server->requests;
    surroundings_write("token", "hush\r\nX-Evil: hush");
    fails(NULL, ERROR_USAGE, "token holds a line break", "a header in a token's file");
    setenv(TOKEN_FILE, "/nonexistent/token", 1);
    fails(NULL, ERROR_USAGE, "can't open /nonexistent/token", "a token's file that is not there");
    setenv(TOKEN_FILE, surroundings_write("token", ""), 1);
    fails(NULL, ERROR_USAGE, "holds a line break or", "an empty one");
    unsetenv(TOKEN_FILE);
    setenv(TOKEN, "hush\nX-Evil: hush", 1);
    fails(NULL, ERROR_USAGE, TOKEN " holds a line break", "a header in a token");
    is_int(server->requests, before, "nothing of that is sent");
    surroundings_forget();
}

static void test_container_urls(void)
{
    static const char *const also[] = {"169.254.170.2", "fd00:ec2::23", NULL};
    static const char *const good[] = {
        "https://example.com/x",   "HTTPS://example.com:8443",    "https://[2001:db8::1]/",
        "http://localhost/x",      "http://LOCALHOST:80/x",       "http://127.0.0.1",
        "http://127.9.9.9:8080/x", "http://[::1]:8080/x",         "http://169.254.170.2/v2",
        "http://[fd00:ec2::23]/v", "http://[FD00:EC2:0::23]:80/v"};
    static const char *const bad[] = {"http://example.com/x",
                                      "http://127.0.0.1.example.com/",
                                      "http://127.1/",
                                      "http://localhost.example.com",
                                      "http://127.0.0.1@example.com/",
                                      "http://128.0.0.1/",
                                      "https://user@example.com/",
                                      "http://127.0.0.1\\@example.com",
                                      "https://example.com\\x",
                                      "http://[::1].example.com/",
                                      "http://[::2]/",
                                      "http://[127.0.0.1/",
                                      "http://127.0.0.1:80x/",
                                      "http://169.254.170.3/",
                                      "http:///x",
                                      "https://",
                                      "ftp://127.0.0.1/",
                                      "file:///etc/passwd",
                                      "127.0.0.1/x",
                                      "http://127.0.0.1/ x",
                                      "http://127.0.0.1/\r\nX: y",
                                      "http://0177.0.0.1/",
                                      "http://[::ffff:127.0.0.1]/",
                                      "http://2130706433/",
                                      ""};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        ok(aws_url_keeps_secrets(good[i], also), "a secret may go to %s", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ok(!aws_url_keeps_secrets(bad[i], also), "no secret may go to bad URL %zu", i);
    ok(!aws_url_keeps_secrets("http://169.254.170.2/", NULL), "nor to an agent where none can be");

    setenv(FULL_URI, "http://192.0.2.1/hush", 1);
    fails(NULL, ERROR_USAGE, FULL_URI " is no https:// URL", "another host without encryption");
    setenv(RELATIVE_URI, "@192.0.2.1/hush", 1);
    fails(NULL, ERROR_USAGE, RELATIVE_URI " is no absolute path", "a path that is part of a host");
    setenv(RELATIVE_URI, ".example.com/hush", 1);
    fails(NULL, ERROR_USAGE, RELATIVE_URI " is no absolute path", "another");
    setenv(RELATIVE_URI, ":8080/hush", 1);
    fails(NULL, ERROR_USAGE, RELATIVE_URI " is no absolute path", "another port");
    surroundings_forget();
}

static void test_container_junk(struct server *server)
{
    char what[100];
    server_reset(server);
    set_url(FULL_URI, server, "/hush");
    for (size_t i = 0; i < JUNK; i++) {
        server_answer(server, "GET /hush", "", junk[i].status, junk[i].body);
        snprintf(what, sizeof what, "container, bad answer %zu", i);
        fails(NULL, ERROR_UNREACHABLE, junk[i].reason, what);
    }
    surroundings_forget();
}

/* ---- instance metadata ---- */

#define ROLES "/latest/meta-data/iam/security-credentials/"

static void set_instance(struct server *server)
{
    server_reset(server);
    unsetenv("AWS_EC2_METADATA_DISABLED");
    set_url("AWS_EC2_METADATA_SERVICE_ENDPOINT", server, "/");
    server_answer(server, "PUT /latest/api/token", "X-aws-ec2-metadata-token-ttl-seconds: 21600",
                  200, "hush-token");
    server_answer(server, "GET " ROLES, "X-aws-ec2-metadata-token: hush-token", 200, "my-role");
    server_answer(server, "GET " ROLES "my-role", "X-aws-ec2-metadata-token: hush-token", 200,
                  "{\"Code\":\"Success\",\"Type\":\"AWS-HMAC\"," KEYS UNTIL "}");
}

static void test_instance(struct server *server)
{
    set_instance(server);
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    gives(NULL, "AKID/hush/hush-t", "the role of an instance, by a token, without a proxy");
    is_int(server->requests, 3, "in three requests");
    server_answer(server, "GET " ROLES, "", 200, "my-role\nother\n");
    gives(NULL, "AKID/hush/hush-t", "the first role counts");
    setenv("AWS_EC2_METADATA_DISABLED", "true", 1);
    fails(NULL, ERROR_USAGE, "nor instance metadata (AWS_EC2_METADATA_DISABLED)", "switched off");
    unsetenv("AWS_EC2_METADATA_DISABLED");
    for (const char *const *url =
             (const char *const[]){"http://192.0.2.1/", "http://u:hush@127.0.0.1/", "x", NULL};
         *url; url++) {
        setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", *url, 1);
        fails(NULL, ERROR_USAGE, "AWS_EC2_METADATA_SERVICE_ENDPOINT is no https:// URL", *url);
    }
    surroundings_forget();
}

static void test_instance_without_token(struct server *server)
{
    static const int statuses[] = {400, 403, 404, 405, 500};
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        set_instance(server);
        server_answer(server, "GET " ROLES, "", 200, "my-role");
        server_answer(server, "PUT /latest/api/token", "", statuses[i], "hush");
        fails(NULL, ERROR_UNREACHABLE, "instance metadata: it has no IMDSv2: it answers ",
              "version 1 of the service is not used");
        ok(strncmp(server->last, "PUT ", 4) == 0 && server->requests <= 2, "nothing more is asked");
    }
    set_instance(server);
    server_answer(server, "PUT /latest/api/token", "", 200, "hush\r\nX-Evil: hush");
    fails(NULL, ERROR_UNREACHABLE, "what it answers is no token", "a header in a token");
    surroundings_forget();
}

static void test_instance_roles(struct server *server)
{
    static const char *const wrong[] = {"", "../../evil", "role hush", "a?b", "<html>hush"};
    set_instance(server);
    server_answer(server, "GET " ROLES, "", 404, "hush");
    fails(NULL, ERROR_USAGE, "nor instance metadata (the instance has no role);", "no role");
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        server_answer(server, "GET " ROLES, "", 200, wrong[i]);
        fails(NULL, ERROR_UNREACHABLE, "what it answers is no name of a role", "a wrong role");
    }
    server_answer(server, "GET " ROLES, "", 500, "hush");
    fails(NULL, ERROR_UNREACHABLE, "instance metadata: it answers 500", "no answer to the role");
    surroundings_forget();
}

static void test_instance_keys(struct server *server)
{
    char what[100];
    set_instance(server);
    server_answer(server, "GET " ROLES "my-role", "", 200, "{\"Code\":\"Failed\"," KEYS UNTIL "}");
    fails(NULL, ERROR_UNREACHABLE, "instance metadata: role my-role: its Code is Failed",
          "a failure with status 200");
    server_answer(server, "GET " ROLES "my-role", "", 200, "{" KEYS UNTIL "}");
    fails(NULL, ERROR_UNREACHABLE, "it has no Code Success", "no word of success");
    server_answer(server, "GET " ROLES "my-role", "", 200,
                  "{\"Code\":\"hush hush hush hush hush hush hush hush hush\"}");
    fails(NULL, ERROR_UNREACHABLE, "it has no Code Success", "a code that is no code");
    for (size_t i = 0; i < JUNK; i++) {
        if (i == 0 || junk[i].status != 200 || junk[i].body[0] != '{')
            server_answer(server, "GET " ROLES "my-role", "", junk[i].status, junk[i].body);
        snprintf(what, sizeof what, "instance, bad answer %zu", i);
        server_answer(server, "GET " ROLES "my-role", "", junk[i].status, junk[i].body);
        fails(NULL, ERROR_UNREACHABLE, junk[i].reason, what);
    }
    surroundings_forget();
}

/* A socket that is bound but does not listen: nobody else can listen there meanwhile. */
static void test_instance_absent(struct server *server)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    char url[100];
    int held = socket(AF_INET, SOCK_STREAM, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(held, (struct sockaddr *)&address, size) ||
        getsockname(held, (struct sockaddr *)&address, &size))
        abort();
    snprintf(url, sizeof url, "http://127.0.0.1:%d", ntohs(address.sin_port));
    unsetenv("AWS_EC2_METADATA_DISABLED");
    setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", url, 1);
    fails(NULL, ERROR_UNREACHABLE, "instance metadata: http://127.0.0.1",
          "nobody there, where the environment says somebody is");
    close(held);

    set_instance(server);
    server_answer(server, "PUT /latest/api/token", "", SERVER_SILENT, "");
    uint64_t before = clock_now_ms();
    fails(NULL, ERROR_UNREACHABLE, "no answer for 1.0 seconds", "no token comes");
    ok(clock_now_ms() - before < 10000, "which is noticed soon");
    is_int(server->requests, 2, "after two attempts");
    surroundings_forget();
}

/* ---- the addresses that are used without being set ---- */

/* A network of our own, in which there is nothing but ECS's address. */
static bool enter_network(void)
{
    struct ifreq request = {.ifr_name = "lo"};
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = inet_addr("169.254.170.2")};
    if (unshare(geteuid() == 0 ? CLONE_NEWNET : CLONE_NEWUSER | CLONE_NEWNET))
        return false;
    int control = socket(AF_INET, SOCK_DGRAM, 0);
    memcpy(&request.ifr_addr, &address, sizeof address);
    bool done =
        ioctl(control, SIOCSIFADDR, &request) == 0 && ioctl(control, SIOCGIFFLAGS, &request) == 0;
    request.ifr_flags |= IFF_UP;
    done = done && ioctl(control, SIOCSIFFLAGS, &request) == 0;
    close(control);
    return done;
}

static void get_without_service(char *text, size_t size)
{
    struct error error = {0};
    struct aws_keys keys = {0};
    struct aws_credentials *credentials = aws_credentials_open(NULL, NULL, 60000, &error);
    bool failed = aws_credentials_get(credentials, &keys, &error) != 0;
    snprintf(text, size, "%s", failed ? error.message : keys.access_key);
    aws_credentials_close(credentials);
}

static void get_from_agent(char *text, size_t size)
{
    struct server *server = server_start_at("169.254.170.2", 80);
    server_answer(server, "GET /v2/hush", "", 200, "{" KEYS UNTIL "}");
    setenv(RELATIVE_URI, "/v2/hush", 1);
    setenv(FULL_URI, "https://192.0.2.1/", 1);
    get_without_service(text, size);
    server_stop(server);
}

/* Returns what it got, or NULL where we may not have such a network. */
static const char *in_network(void (*get)(char *text, size_t size))
{
    enum { SIZE = ERROR_MESSAGE_SIZE };
    static char result[SIZE];
    int status, flags = MAP_SHARED | MAP_ANONYMOUS;
    char *text = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, flags, -1, 0);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        if (!enter_network())
            _exit(1);
        unsetenv("AWS_EC2_METADATA_DISABLED");
        get(text, SIZE);
        _exit(0);
    }
    waitpid(child, &status, 0);
    snprintf(result, sizeof result, "%s", text);
    munmap(text, SIZE);
    return WIFEXITED(status) && WEXITSTATUS(status) == 1 ? NULL : result;
}

static void test_addresses(void)
{
    const char *got = in_network(get_from_agent);
    if (!got) {
        ok(true, "# SKIP this user may not have a network of its own");
        return;
    }
    is_string(got, "AKID", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI goes first, to ECS's agent");
    got = in_network(get_without_service);
    ok(strstr(got, "no S3 credentials: neither ") &&
           strstr(got, " nor instance metadata (http://169.254.169.254: "),
       "where there is no instance metadata it is no error of its own: %s", got);
}

/* ---- what all of them go through ---- */

static void test_header(struct server *server)
{
    static const char *const values[] = {"a\r\nX-Evil: 1", "a\n", "\001", "\x7f"};
    const struct http_options options = {.connect_ms = 1000, .stall_ms = 1000};
    struct error error = {.class = ERROR_NONE};
    struct http *http = http_open(&options, &error);
    server_reset(server);
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        const struct http_header header = {"x-value", values[i]};
        const struct http_request request = {
            .method = "GET", .url = server->origin, .headers = &header, .header_count = 1};
        ok(!http_start(http, &request, &error), "a control character in a header: no request");
        is_int(error.class, ERROR_USAGE, "but a wrong setting");
    }
    is_int(server->requests, 0, "nothing of that is sent");
    http_close(http);
}

int main(void)
{
    struct server *server = server_start();
    surroundings_begin();
    test_container(server);
    test_container_tokens(server);
    test_container_urls();
    test_container_junk(server);
    test_instance(server);
    test_instance_without_token(server);
    test_instance_roles(server);
    test_instance_keys(server);
    test_instance_absent(server);
    test_addresses();
    test_header(server);
    surroundings_end();
    server_stop(server);
    return done_testing();
}
