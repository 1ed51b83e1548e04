/* AWS's shared files, as AWS's own tools read them. */
#include "aws_surroundings.h"
#include "aws/profile.h"

static void write_credentials(const char *text)
{
    surroundings_write(".aws/credentials", text);
}

static void write_config(const char *text)
{
    surroundings_write(".aws/config", text);
}

/* A value of a profile; "(null)" when it has none, the message when that fails. */
static const char *value(const char *setting, enum aws_profile_key key)
{
    static char text[5000];
    struct aws_profile profile;
    struct error error;
    if (aws_profile_read(setting, &profile, &error))
        snprintf(text, sizeof text, "%s", error.message);
    else
        snprintf(text, sizeof text, "%s", profile.values[key] ? profile.values[key] : "(null)");
    aws_profile_free(&profile);
    return text;
}

static void is_wrong(const char *setting, const char *reason, const char *what)
{
    struct aws_profile profile;
    struct error error = {0};
    aws_profile_read(setting, &profile, &error);
    tells(&error, ERROR_USAGE, reason, what);
    aws_profile_free(&profile);
}

static void test_syntax(void)
{
    write_config("");
    write_credentials("\xef\xbb\xbf# a comment\r\n"
                      "\n"
                      "[default]\r\n"
                      "aws_access_key_id=AKID\r\n"
                      "\t; another one\n"
                      "AWS_Secret_Access_Key  =  hush/+==  \r\n"
                      "region = eu-west-1 # no comment\n"
                      "[ other ]  # comment\n"
                      "aws_access_key_id = OTHER\n"
                      "[default]\n"
                      "endpoint_url = http://a=b\n"
                      "aws_session_token =\n"
                      "role_arn = last line");
    is_string(value(NULL, AWS_KEY_ACCESS_KEY), "AKID", "a key, without white space around it");
    is_string(value(NULL, AWS_KEY_SECRET_KEY), "hush/+==", "names in any case; = in a value");
    is_string(value(NULL, AWS_KEY_REGION), "eu-west-1 # no comment", "a comment has its own line");
    is_string(value(NULL, AWS_KEY_ENDPOINT), "http://a=b", "a section may go on later");
    is_string(value(NULL, AWS_KEY_SESSION_TOKEN), "(null)", "an empty value is none");
    is_string(value(NULL, AWS_KEY_ROLE_ARN), "last line", "the last line needs no end");
    is_string(value("other", AWS_KEY_ACCESS_KEY), "OTHER", "another profile");
}

static void test_indentation(void)
{
    write_credentials("[default]\n"
                      "s3 =\n"
                      "  max_concurrent_requests = 10\n"
                      "  region = nested\n"
                      "   # a comment\n"
                      "\n"
                      "  aws_access_key_id = NESTED\n"
                      "output = json\n"
                      "   region = goes on\n"
                      "[indented]\n"
                      "  aws_access_key_id = AKID\n"
                      "  s3 =\n"
                      "     region = nested\n"
                      "  region = eu-west-1\n"
                      "  [next]\n"
                      "  region = us-west-2\n");
    is_string(value(NULL, AWS_KEY_REGION), "(null)", "nested settings are not the profile's");
    is_string(value(NULL, AWS_KEY_ACCESS_KEY), "(null)", "nor are nested keys");
    is_string(value("indented", AWS_KEY_ACCESS_KEY), "AKID", "a section may be indented");
    is_string(value("indented", AWS_KEY_REGION), "eu-west-1", "with nested settings in it");
    is_string(value("next", AWS_KEY_REGION), "us-west-2", "and so may its name");

    write_credentials("[default]\ncredential_process = hush\n  --continued hush\n");
    is_wrong(NULL, "line 3: a value can't go on", "half a value is not taken for all");
}

static void test_sections_of_config(void)
{
    write_credentials("");
    write_config("[profile a]\nregion = in-a\n"
                 "[b]\nregion = in-b\n"
                 "[profile \"c d\"]\nregion = in-c-d\n"
                 "[profile\te]\nregion = in-e\n"
                 "[profilef]\nregion = in-f\n"
                 "[sso-session g]\nregion = in-g\n"
                 "[profile default]\nregion = in-default\n");
    is_string(value("a", AWS_KEY_REGION), "in-a", "[profile a]");
    is_wrong("b", "there is no profile \"b\" in /tmp/", "[b] in config is none");
    is_string(value("c d", AWS_KEY_REGION), "in-c-d", "[profile \"c d\"]");
    is_string(value("e", AWS_KEY_REGION), "in-e", "[profile<tab>e]");
    is_wrong("f", "there is no profile", "[profilef] is none");
    is_wrong("g", "there is no profile", "[sso-session g] is none");
    is_string(value(NULL, AWS_KEY_REGION), "in-default", "[profile default]");
    write_config("[default]\nregion = plain\n");
    is_string(value(NULL, AWS_KEY_REGION), "plain", "[default]");
    write_credentials("[profile a]\nregion = in-a\n");
    is_wrong("a", "there is no profile", "[profile a] in credentials is not a");
}

static void test_both_files(void)
{
    write_credentials("[default]\naws_access_key_id = NEW\naws_secret_access_key = hush-new\n"
                      "region = from-credentials\n");
    write_config("[default]\naws_access_key_id = OLD\naws_secret_access_key = hush-old\n"
                 "aws_session_token = hush-old-token\nregion = from-config\n"
                 "ca_bundle = /from/config\n");
    is_string(value(NULL, AWS_KEY_ACCESS_KEY), "NEW", "keys in credentials win");
    is_string(value(NULL, AWS_KEY_SESSION_TOKEN), "(null)", "and get no token of other keys");
    is_string(value(NULL, AWS_KEY_REGION), "from-credentials", "other settings in it win, too");
    is_string(value(NULL, AWS_KEY_CA_FILE), "/from/config", "what is only in config counts");
    write_credentials("[default]\naws_session_token = hush\n");
    is_string(value(NULL, AWS_KEY_ACCESS_KEY), "OLD", "else all keys are config's");
    is_string(value(NULL, AWS_KEY_SESSION_TOKEN), "hush-old-token", "with their token");
}

static void test_long_values(void)
{
    char text[3000] = "[default]\naws_access_key_id = A\naws_session_token = ", token[1501] = "";
    memset(token, 'x', sizeof token - 1);
    strcat(strcat(text, token), "\nregion = behind\n");
    write_config("");
    write_credentials(text);
    is_string(value(NULL, AWS_KEY_SESSION_TOKEN), token, "a session token of 1,500 characters");
    is_string(value(NULL, AWS_KEY_REGION), "behind", "and what comes after it");
}

static void test_wrong_files(void)
{
    static const struct {
        const char *text, *reason;
    } wrong[] = {
        {"[default]\nhush\n", ".aws/credentials line 2: neither"},
        {"[default]\n= hush\n", "line 2: neither"},
        {"aws_secret_access_key = hush\n", "line 1: a key before the first [section]"},
        {"\n[default\naws_secret_access_key = hush\n", "line 2: a section's name"},
    };
    write_config("");
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        write_credentials(wrong[i].text);
        is_wrong(NULL, wrong[i].reason, wrong[i].reason);
    }
    FILE *file = fopen(surroundings_write(".aws/credentials", ""), "w");
    fwrite("[default]\nregion = a\0b\n", 1, 23, file);
    fclose(file);
    is_wrong(NULL, "is no text", "a file with a zero byte");
    setenv("AWS_SHARED_CREDENTIALS_FILE", surroundings_home, 1);
    is_wrong(NULL, "Is a directory", "a directory instead of a file");
    surroundings_forget();
}

static void test_places(void)
{
    write_credentials("[default]\nregion = home\n");
    setenv("AWS_SHARED_CREDENTIALS_FILE", surroundings_write("elsewhere", "[x]\nregion = set\n"),
           1);
    is_string(value("x", AWS_KEY_REGION), "set", "AWS_SHARED_CREDENTIALS_FILE");
    is_wrong("y", "there is no profile \"y\" in /tmp/", "a message names what was read");
    setenv("AWS_SHARED_CREDENTIALS_FILE", "~/elsewhere", 1);
    is_string(value("x", AWS_KEY_REGION), "set", "~ is the home");
    setenv("AWS_PROFILE", "x", 1);
    is_string(value(NULL, AWS_KEY_REGION), "set", "AWS_PROFILE");
    is_wrong("other", "no profile \"other\"", "the setting goes before AWS_PROFILE");
    setenv("AWS_PROFILE", "missing", 1);
    is_wrong(NULL, "no profile \"missing\"", "AWS_PROFILE must be there");
    setenv("AWS_PROFILE", "", 1);
    setenv("AWS_SHARED_CREDENTIALS_FILE", "", 1);
    is_string(value(NULL, AWS_KEY_REGION), "home", "empty variables are none");
    setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null", 1);
    is_string(value(NULL, AWS_KEY_REGION), "(null)", "/dev/null has no profiles");
    setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent/file", 1);
    is_string(value(NULL, AWS_KEY_REGION), "(null)", "nor has a file that is not there");
    surroundings_forget();
    setenv("AWS_CONFIG_FILE", surroundings_write("c", "[profile z]\nregion = set\n"), 1);
    is_string(value("z", AWS_KEY_REGION), "set", "AWS_CONFIG_FILE");
    surroundings_forget();
}

/* Such as /root for a server that was started with root's environment. */
static void test_foreign_home(void)
{
    uid_t user = geteuid();
    write_credentials("[default]\nregion = secret\n");
    chmod(surroundings_home, 0);
    if (user == 0 && seteuid(65534))
        abort();
    is_string(value(NULL, AWS_KEY_REGION), "(null)", "in the home of another user is nothing");
    if (user == 0 && seteuid(0))
        abort();
    chmod(surroundings_home, 0700);
}

/* A setting as aws_profile_find finds it. */
static const char *found(enum aws_profile_setting setting)
{
    static char text[ERROR_MESSAGE_SIZE];
    struct error error;
    char *value = NULL;
    if (aws_profile_find(NULL, setting, &value, &error))
        snprintf(text, sizeof text, "%s", error.message);
    else
        snprintf(text, sizeof text, "%s", value ? value : "(null)");
    free(value);
    return text;
}

static void test_settings(void)
{
    write_credentials("");
    write_config("[default]\nregion = r\nendpoint_url = https://e\nca_bundle = /ca\n");
    is_string(found(AWS_PROFILE_REGION), "r", "region");
    is_string(found(AWS_PROFILE_ENDPOINT), "https://e", "endpoint_url");
    is_string(found(AWS_PROFILE_CA_FILE), "/ca", "ca_bundle");
    setenv("AWS_DEFAULT_REGION", "second", 1);
    is_string(found(AWS_PROFILE_REGION), "second", "AWS_DEFAULT_REGION");
    setenv("AWS_REGION", "first", 1);
    is_string(found(AWS_PROFILE_REGION), "first", "AWS_REGION");
    setenv("AWS_ENDPOINT_URL", "https://all", 1);
    is_string(found(AWS_PROFILE_ENDPOINT), "https://all", "AWS_ENDPOINT_URL");
    setenv("AWS_ENDPOINT_URL_S3", "https://s3", 1);
    is_string(found(AWS_PROFILE_ENDPOINT), "https://s3", "AWS_ENDPOINT_URL_S3");
    setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "True", 1);
    is_string(found(AWS_PROFILE_ENDPOINT), "(null)", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS");
    setenv("AWS_CA_BUNDLE", "/bundle", 1);
    is_string(found(AWS_PROFILE_CA_FILE), "/bundle", "AWS_CA_BUNDLE");
    surroundings_forget();
    setenv("AWS_PROFILE", "missing", 1);
    ok(strstr(found(AWS_PROFILE_REGION), "no profile \"missing\""), "a profile that is not there");
    surroundings_forget();
    write_config("");
    is_string(found(AWS_PROFILE_REGION), "(null)", "nothing is set");
}

int main(void)
{
    surroundings_begin();
    test_syntax();
    test_indentation();
    test_sections_of_config();
    test_both_files();
    test_long_values();
    test_wrong_files();
    test_places();
    test_foreign_home();
    test_settings();
    surroundings_end();
    return done_testing();
}
