/* credential_process: what it prints, and how it can go wrong. */
#include "base/clock.h"
#include "aws_surroundings.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

#define KEYS "\"AccessKeyId\":\"AKID\",\"SecretAccessKey\":\"hush\""

static void set_process(const char *command)
{
    char text[1000];
    snprintf(text, sizeof text, "[default]\nregion = x\ncredential_process = %s\n", command);
    surroundings_write(".aws/credentials", text);
}

/* The process prints a file, so that no quoting is needed. */
static void set_output(const char *output)
{
    char command[300];
    snprintf(command, sizeof command, "cat %s", surroundings_write("output", output));
    set_process(command);
}

static void test_output(void)
{
    set_output("{\"Version\": 1, " KEYS ", \"SessionToken\": \"hush-t\", \"more\": [null, {}],\n"
               " \"Expiration\": \"2050-01-01T00:00:00+00:00\"}\n");
    gives(NULL, "AKID/hush/hush-t", "all that there can be");
    set_output("{\"Version\": 1, " KEYS "}");
    gives(NULL, "AKID/hush/none", "keys alone");
    set_output("{\"Version\": 1, " KEYS ", \"SessionToken\": null, \"Expiration\": null}");
    gives(NULL, "AKID/hush/none", "null is nothing");
    if (!freopen(surroundings_write("input", "hush\n"), "r", stdin))
        abort();
    set_process("read x; echo \"{\\\"Version\\\":1,\\\"AccessKeyId\\\":\\\"A${x}B\\\","
                "\\\"SecretAccessKey\\\":\\\"hush\\\"}\"");
    gives(NULL, "AB/hush/none", "the shell runs it, with an empty standard input");
}

static void test_wrong_output(void)
{
    static const char *const wrong[][2] = {
        {"", "it is no JSON object"},
        {"hush", "it is no JSON object"},
        {"[\"hush\"]", "it is no JSON object"},
        {"{\"Version\": 1, " KEYS "} hush", "it is no JSON object"},
        {"{\"Version\": 1, " KEYS ", \"SecretAccessKey\": \"hush2\"}", "it is no JSON object"},
        {"{" KEYS "}", "it has no Version 1"},
        {"{\"Version\": 2, " KEYS "}", "its Version is 2, not 1"},
        {"{\"Version\": [1], " KEYS "}", "its Version is no text"},
        {"{\"Version\": 1, \"AccessKeyId\": \"hush\"}", "the secret key is missing"},
        {"{\"Version\": 1, \"SecretAccessKey\": \"hush\"}", "the access key is missing"},
        {"{\"Version\": 1, \"AccessKeyId\": \"A\", \"SecretAccessKey\": {\"hush\": 1}}",
         "its SecretAccessKey is no text"},
        {"{\"Version\": 1, \"AccessKeyId\": \"A\", \"SecretAccessKey\": \"hush\\r\\nX: y\"}",
         "the secret key holds white space"},
        {"{\"Version\": 1, \"AccessKeyId\": \"A\", \"SecretAccessKey\": \"hush\\u00e9\"}",
         "the secret key holds white space or a character that can't be in one"},
        {"{\"Version\": 1, " KEYS ", \"SessionToken\": \"hush hush\"}",
         "the session token holds white space"},
        {"{\"Version\": 1, " KEYS ", \"SessionToken\": \"\"}", "the session token is empty"},
        {"{\"Version\": 1, " KEYS ", \"Expiration\": \"soon\"}", "its Expiration is no time"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        set_output(wrong[i][0]);
        fails(NULL, ERROR_USAGE, wrong[i][1], *wrong[i][0] ? wrong[i][0] : "prints nothing");
    }
}

/* Has the process that wrote its number into the file gone? It may take a moment to. */
static bool is_gone(const char *file)
{
    char path[200];
    int number = 0;
    snprintf(path, sizeof path, "%s/%s", surroundings_home, file);
    FILE *in = fopen(path, "r");
    if (!in || fscanf(in, "%d", &number) != 1)
        return false;
    fclose(in);
    for (int i = 0; i < 500 && kill(number, 0) == 0; i++)
        clock_sleep_ms(10);
    return number > 0 && kill(number, 0) && errno == ESRCH;
}

static void test_failures(void)
{
    set_process("echo hush; exit 3");
    fails(NULL, ERROR_UNREACHABLE, "credential_process: it failed with exit code 3",
          "an exit code that is not 0");
    set_process("/nonexistent/hush 2>/dev/null");
    fails(NULL, ERROR_USAGE, "it can't be run", "a program that is not there");
    set_process("kill -9 $$");
    fails(NULL, ERROR_UNREACHABLE, "it was ended by signal 9", "a program that is killed");
    set_process("while :; do echo hush; done");
    fails(NULL, ERROR_USAGE, "it prints too much", "output without end");
}

static void test_time(void)
{
    char command[500];
    uint64_t before = clock_now_ms();
    snprintf(command, sizeof command, "sleep 600 & echo $! > %s/number; wait", surroundings_home);
    set_process(command);
    fails(NULL, ERROR_UNREACHABLE, "it has not ended in time", "a process that hangs");
    ok(clock_now_ms() - before < 20 * SURROUNDINGS_TIMEOUT, "it is not waited for");
    ok(is_gone("number"), "what it had started is killed");
    set_process("exec >&-; sleep 600");
    fails(NULL, ERROR_UNREACHABLE, "it has not ended in time", "one that has closed its output");
    is_int(waitpid(-1, NULL, WNOHANG), -1, "no child is left");
}

int main(void)
{
    surroundings_begin();
    test_output();
    test_wrong_output();
    test_failures();
    test_time();
    surroundings_end();
    return done_testing();
}
