#include "rsync/ssh.h"
#include "base/file.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    CONTROL_PATH_MAX = 70, /* sun_path's 108, less a name of 16 digits, ssh's suffix of 17, slash */
    CONTROL_SECONDS = 300, /* a shared connection stays this long behind the last command */
    ALIVE_COUNT = 3,
};

/* ---- the private directory ---- */

/* What ssh would not take as it is. */
static const char special[] = "% \t\"'\\$#";

static char *make_path(const char *base, const char *below)
{
    char *path = NULL;
    if (!base || *base != '/' || asprintf(&path, "%s/%s", base, below) < 0)
        return NULL;
    return path;
}

/* Whoever can write to it could pretend to be the far side. */
static bool is_private(const char *path)
{
    struct stat status;
    return lstat(path, &status) == 0 && S_ISDIR(status.st_mode) && status.st_uid == geteuid() &&
           (status.st_mode & 077) == 0;
}

static bool make_private(const char *path)
{
    file_make_directories(path);
    return is_private(path);
}

/* FNV-1a, 64 bits: http://www.isthe.com/chongo/tech/comp/fnv/ */
static uint64_t hash(uint64_t value, const char *text)
{
    for (; text && *text; text++)
        value = (value ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
    return (value ^ 0xff) * UINT64_C(0x100000001b3);
}

/* Whoever logs in otherwise has a connection of his own. */
static uint64_t name_connection(const struct rsync_storage *rsync)
{
    const struct rsync_options *options = &rsync->options.rsync;
    uint64_t value = hash(UINT64_C(0xcbf29ce484222325), rsync->place.host);
    value = hash(hash(value, options->rsh), options->ssh_identity);
    return value ^ options->ssh_port;
}

void ssh_find_control(struct rsync_storage *rsync)
{
    char *candidates[] = {make_path(getenv("XDG_RUNTIME_DIR"), "waltools"),
                          make_path(getenv("XDG_CACHE_HOME"), "waltools/ssh"),
                          make_path(getenv("HOME"), ".cache/waltools/ssh")};
    for (size_t i = 0; i < sizeof candidates / sizeof *candidates; i++) {
        char *path = candidates[i];
        if (path && !rsync->control && strlen(path) <= CONTROL_PATH_MAX &&
            !strpbrk(path, special) && make_private(path) &&
            asprintf(&rsync->control, "%s/%016" PRIx64, path, name_connection(rsync)) < 0)
            rsync->control = NULL;
        free(path);
    }
}

/* ---- options ---- */

static uint64_t seconds(uint64_t milliseconds)
{
    return milliseconds < 1000 ? 1 : milliseconds / 1000;
}

static void add_words(struct arguments *arguments, const char *text)
{
    for (const char *word = text + strspn(text, " "); *word;) {
        size_t length = strcspn(word, " ");
        arguments_add(arguments, "%.*s", (int)length, word);
        word += length;
        word += strspn(word, " ");
    }
}

static void add_sharing(const struct rsync_storage *rsync, struct arguments *arguments)
{
    if (!rsync->control) {
        arguments_add(arguments, "-oControlMaster=no");
        arguments_add(arguments, "-oControlPath=none");
        return;
    }
    arguments_add(arguments, "-oControlMaster=auto");
    arguments_add(arguments, "-oControlPersist=%d", CONTROL_SECONDS);
    arguments_add(arguments, "-oControlPath=%s", rsync->control);
}

/* What ssh_config says stays in force for all that is not given here, host keys above all:
 * BatchMode makes an unknown one a failure, never a question. */
void ssh_add(const struct rsync_storage *rsync, struct arguments *arguments)
{
    static const char *const always[] = {
        "BatchMode=yes",           "ForwardAgent=no",    "ForwardX11=no",
        "ClearAllForwardings=yes", "RequestTTY=no",      "LogLevel=ERROR",
        "PermitLocalCommand=no",   "RemoteCommand=none", "EscapeChar=none",
    };
    const struct rsync_options *options = &rsync->options.rsync;
    uint64_t timeout = rsync->options.timeout;
    add_words(arguments, options->rsh);
    for (size_t i = 0; i < sizeof always / sizeof *always; i++)
        arguments_add(arguments, "-o%s", always[i]);
    arguments_add(arguments, "-oConnectTimeout=%" PRIu64, seconds(timeout / 2));
    arguments_add(arguments, "-oServerAliveInterval=%" PRIu64,
                  seconds(timeout / (ALIVE_COUNT + 1)));
    arguments_add(arguments, "-oServerAliveCountMax=%d", ALIVE_COUNT);
    add_sharing(rsync, arguments);
    if (options->ssh_port)
        arguments_add(arguments, "-p%" PRIu64, options->ssh_port);
    if (options->ssh_identity) {
        arguments_add(arguments, "-oIdentitiesOnly=yes");
        arguments_add(arguments, "-i");
        arguments_add(arguments, "%s", options->ssh_identity);
    }
}
