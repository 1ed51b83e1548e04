#include "aws/profile.h"
#include "base/error.h"
#include "base/file.h"
#include "base/secret.h"
#include "aws/credentials.h"
#include "aws/environment.h"
#include "aws/ini.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct key {
    const char *name;
    enum aws_profile_key key;
} keys[] = {
    {"aws_access_key_id", AWS_KEY_ACCESS_KEY},
    {"aws_secret_access_key", AWS_KEY_SECRET_KEY},
    {"aws_session_token", AWS_KEY_SESSION_TOKEN},
    {"web_identity_token_file", AWS_KEY_TOKEN_FILE},
    {"role_arn", AWS_KEY_ROLE_ARN},
    {"role_session_name", AWS_KEY_SESSION_NAME},
    {"credential_process", AWS_KEY_PROCESS},
    {"region", AWS_KEY_REGION},
    {"endpoint_url", AWS_KEY_ENDPOINT},
    {"ca_bundle", AWS_KEY_CA_FILE},
    {"source_profile", AWS_KEY_UNSUPPORTED},
    {"credential_source", AWS_KEY_UNSUPPORTED},
    {"sso_session", AWS_KEY_UNSUPPORTED},
    {"sso_start_url", AWS_KEY_UNSUPPORTED},
    {"sso_account_id", AWS_KEY_UNSUPPORTED},
    {"sso_role_name", AWS_KEY_UNSUPPORTED},
    {"login_session", AWS_KEY_UNSUPPORTED},
};

static const struct key *find_key(const char *name)
{
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (strcasecmp(keys[i].name, name) == 0)
            return &keys[i];
    return NULL;
}

/* ---- what sections are called ---- */

/* [name] */
static bool is_credentials_section(const char *section, const char *profile)
{
    return strcmp(section, profile) == 0;
}

/* [profile name], or [profile "name"]; [default] needs no more. */
static bool is_config_section(const char *section, const char *profile)
{
    static const char word[] = "profile";
    if (strcmp(section, "default") == 0)
        return strcmp(profile, "default") == 0;
    if (strncmp(section, word, sizeof word - 1) != 0)
        return false;
    const char *name = section + sizeof word - 1;
    size_t blank = strspn(name, " \t"), length = strlen(name += blank);
    if (length >= 2 && strchr("\"'", *name) && name[length - 1] == *name) {
        name++;
        length -= 2;
    }
    return blank && length == strlen(profile) && strncmp(name, profile, length) == 0;
}

/* ---- one file ---- */

struct file {
    const char *path;
    bool (*is_section)(const char *section, const char *profile);
    const char *profile;
    bool found;
    char *values[AWS_KEYS];
};

static int take_line(void *context, const char *section, const char *name, const char *value,
                     struct error *error)
{
    struct file *file = context;
    const struct key *key = name ? find_key(name) : NULL;
    if (!file->is_section(section, file->profile))
        return 0;
    file->found = true;
    if (!key)
        return 0;
    char **place = &file->values[key->key];
    secret_free(*place);
    *place = NULL;
    if (!*value)
        return 1;
    *place = strdup(key->key == AWS_KEY_UNSUPPORTED ? key->name : value);
    return *place ? 1 : error_memory(error);
}

/* In a directory that we may not enter (the HOME of another user) there is nothing for us either.
 */
static bool is_absent(const char *path)
{
    struct stat status;
    return stat(path, &status) && (errno == ENOENT || errno == ENOTDIR || errno == EACCES);
}

static int parse_file(struct file *file, struct buf *text, struct error *error)
{
    enum { FILE_MAX = 1024 * 1024 };
    if (file_slurp(AT_FDCWD, file->path, FILE_MAX, text, error)) {
        if (error->class == ERROR_INTERRUPTED)
            return -1;
        if (is_absent(file->path))
            return 0;
        error->class = ERROR_USAGE;
        return -1;
    }
    if (strlen(text->data) != text->length)
        return error_set(error, ERROR_USAGE, "%s is no text", file->path);
    return aws_ini_read(file->path, text->data, take_line, file, error);
}

static int read_file(struct file *file, struct error *error)
{
    struct buf text = {0};
    int result = file->path ? parse_file(file, &text, error) : 0;
    secret_buf_free(&text);
    return result;
}

/* ---- where the files are ---- */

/* As the shell finds ~. The caller frees it. */
static char *find_home(void)
{
    enum { RECORD_MAX = 4096 };
    const char *home = aws_environment("HOME");
    if (home)
        return strdup(home);
    char record[RECORD_MAX];
    struct passwd user, *found;
    if (getpwuid_r(geteuid(), &user, record, sizeof record, &found) || !found)
        return NULL;
    return strdup(user.pw_dir);
}

/* NULL when there is no home to start from. */
static char *find_path(const char *variable, const char *usual)
{
    char *path, *home;
    const char *given = aws_environment(variable);
    const char *name = given ? given : usual;
    if (strncmp(name, "~/", 2) != 0)
        return strdup(name);
    home = find_home();
    if (!home || asprintf(&path, "%s%s", home, name + 1) < 0)
        path = NULL;
    free(home);
    return path;
}

/* ---- both together ---- */

static bool is_key(int key)
{
    return key <= AWS_KEY_SESSION_TOKEN;
}

static void move(char **from, char **to)
{
    secret_free(*to);
    *to = *from;
    *from = NULL;
}

/* Whoever wins, keys and token of two different users must not be mixed. */
static void merge(struct file *config, struct file *credentials, char **values)
{
    bool has_keys =
        credentials->values[AWS_KEY_ACCESS_KEY] || credentials->values[AWS_KEY_SECRET_KEY];
    for (int i = 0; i < AWS_KEYS; i++) {
        bool wins = is_key(i) ? has_keys : credentials->values[i] != NULL;
        move(wins ? &credentials->values[i] : &config->values[i], &values[i]);
    }
}

static void free_values(char **values)
{
    for (int i = 0; i < AWS_KEYS; i++) {
        secret_free(values[i]);
        values[i] = NULL;
    }
}

static int read_both(struct aws_profile *profile, struct error *error)
{
    struct file config = {profile->config_path, is_config_section, profile->name, false, {0}};
    struct file credentials = {
        profile->credentials_path, is_credentials_section, profile->name, false, {0}};
    int result = read_file(&config, error) || read_file(&credentials, error) ? -1 : 0;
    if (result == 0)
        merge(&config, &credentials, profile->values);
    profile->found = config.found || credentials.found;
    free_values(config.values);
    free_values(credentials.values);
    return result;
}

int aws_profile_read(const char *setting, struct aws_profile *profile, struct error *error)
{
    const char *name = setting && *setting ? setting : aws_environment("AWS_PROFILE");
    *profile = (struct aws_profile){
        .name = name ? name : "default",
        .credentials_path = find_path("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials"),
        .config_path = find_path("AWS_CONFIG_FILE", "~/.aws/config"),
    };
    if (read_both(profile, error))
        return -1;
    if (!name || profile->found)
        return 0;
    return error_set(error, ERROR_USAGE, "there is no profile \"%s\" in %s or %s", name,
                     profile->credentials_path ? profile->credentials_path : "~/.aws/credentials",
                     profile->config_path ? profile->config_path : "~/.aws/config");
}

void aws_profile_free(struct aws_profile *profile)
{
    free(profile->credentials_path);
    free(profile->config_path);
    free_values(profile->values);
    *profile = (struct aws_profile){0};
}

/* ---- other settings ---- */

static const struct setting {
    const char *variables[2];
    enum aws_profile_key key;
} settings[] = {
    [AWS_PROFILE_REGION] = {{"AWS_REGION", "AWS_DEFAULT_REGION"}, AWS_KEY_REGION},
    [AWS_PROFILE_ENDPOINT] = {{"AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"}, AWS_KEY_ENDPOINT},
    [AWS_PROFILE_CA_FILE] = {{"AWS_CA_BUNDLE"}, AWS_KEY_CA_FILE},
};

static const char *find_variable(const struct setting *setting)
{
    const char *value = aws_environment(setting->variables[0]);
    return value || !setting->variables[1] ? value : aws_environment(setting->variables[1]);
}

int aws_profile_find(const char *profile, enum aws_profile_setting setting, char **value,
                     struct error *error)
{
    *value = NULL;
    if (setting == AWS_PROFILE_ENDPOINT &&
        aws_environment_is("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true"))
        return 0;
    const char *variable = find_variable(&settings[setting]);
    if (variable) {
        *value = strdup(variable);
        return *value ? 0 : error_memory(error);
    }
    struct aws_profile found;
    int result = aws_profile_read(profile, &found, error);
    if (result == 0)
        move(&found.values[settings[setting].key], value);
    aws_profile_free(&found);
    return result;
}
