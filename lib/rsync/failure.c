#include "rsync/failure.h"
#include "base/error.h"
#include "rsync/shell.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { CANT_FIND = 127 };

/* rsync(1), "EXIT VALUES" (errcode.h), and those of the scripts. What is not here is
 * ERROR_SYSTEM. */
static const struct meaning {
    int code;
    enum error_class class;
    const char *text; /* NULL: what was told on standard error */
} meanings[] = {
    {2, ERROR_UNREACHABLE, NULL},  /* protocol incompatibility */
    {3, ERROR_UNREACHABLE, NULL},  /* the directory can't be entered */
    {5, ERROR_UNREACHABLE, NULL},  /* starting the protocol: module, password, too many */
    {10, ERROR_UNREACHABLE, NULL}, /* socket I/O */
    {12, ERROR_UNREACHABLE, NULL}, /* protocol data stream: the other end died */
    {20, ERROR_UNREACHABLE, NULL}, /* the other end was stopped by a signal */
    {24, ERROR_UNREACHABLE, NULL}, /* a file vanished while it was sent */
    {30, ERROR_UNREACHABLE, "it has not answered in time"},
    {35, ERROR_UNREACHABLE, "it has not accepted a connection in time"},
    {124, ERROR_UNREACHABLE, NULL}, /* the remote shell failed, was killed, */
    {125, ERROR_UNREACHABLE, NULL},
    {126, ERROR_UNREACHABLE, NULL},       /* can't run, */
    {CANT_FIND, ERROR_UNREACHABLE, NULL}, /* or find rsync */
    {255, ERROR_UNREACHABLE, NULL},       /* ssh */
    {SHELL_CANT_MAKE, ERROR_SYSTEM, "a directory in the archive can't be made"},
    {SHELL_EXISTS, ERROR_EXISTS, "exists already"},
    {SHELL_CANT_LINK, ERROR_SYSTEM, "an object can't be given its name"},
    {SHELL_CANT_SYNC, ERROR_SYSTEM, "what was written can't be synced"},
};

/* Lines that say most of all lines of a failure, and what to do. */
static const struct known {
    const char *text;
    enum error_class class; /* ERROR_NONE: by the code */
    const char *advice;
} knowns[] = {
    {"change_dir ", ERROR_UNREACHABLE,
     "does the archive's directory exist, is it mounted? If it is new, create it: that is never "
     "done here"},
    {"Host key verification failed", ERROR_NONE,
     "its key is not in known_hosts, or is another than there: log in once by hand, as this user, "
     "after you have made sure that it is the right machine"},
    {"Permission denied (13)", ERROR_SYSTEM, NULL},
    {"Permission denied (", ERROR_NONE,
     "ssh must log in with a key and without a question, as the user that runs this"},
    {"SSH_ORIGINAL_COMMAND", ERROR_NONE,
     "an account that can run nothing but rsync needs rsync-shell = no"},
    {"auth failed on module", ERROR_NONE,
     "give the user in the archive's name, the password in rsync-password-file or RSYNC_PASSWORD"},
    {"nknown module", ERROR_NONE, "is the name of the module right?"},
    {"module is read only", ERROR_SYSTEM, "a push needs a module with read only = false"},
    {"is write only", ERROR_SYSTEM, "reading needs a module with write only = false"},
    {"refuse --", ERROR_SYSTEM, "see refuse options in the daemon's rsyncd.conf"},
    {"No space left on device", ERROR_SYSTEM, NULL},
    {"Disk quota exceeded", ERROR_SYSTEM, NULL},
    {"Read-only file system", ERROR_SYSTEM, NULL},
    {"is your shell clean", ERROR_NONE,
     "what the login shell's start-up files print over there must go"},
};

static bool contains(const char *text, const char *part, size_t length)
{
    return memmem(text, length, part, strlen(part)) != NULL;
}

static const struct known *find_known(const char *line, size_t length)
{
    for (size_t i = 0; i < sizeof knowns / sizeof *knowns; i++)
        if (contains(line, knowns[i].text, length))
            return &knowns[i];
    return NULL;
}

/* Of a line that begins so, another says more. */
static bool is_summary(const char *line, size_t length)
{
    static const char *const summaries[] = {"rsync error:", "rsync warning:", "@@@@",
                                            "connection unexpectedly closed",
                                            "did not see server greeting"};
    for (size_t i = 0; i < sizeof summaries / sizeof *summaries; i++)
        if (contains(line, summaries[i], length))
            return true;
    return false;
}

struct said {
    const char *line;
    size_t length;
    const struct known *known;
};

static struct said choose(const char *told)
{
    struct said best = {told, strcspn(told, "\r\n"), NULL};
    bool found = false;
    for (const char *line = told; *line; line += strspn(line, "\r\n")) {
        size_t length = strcspn(line, "\r\n");
        const struct known *known = find_known(line, length);
        if (known)
            return (struct said){line, length, known};
        if (!found && length && !is_summary(line, length)) {
            best = (struct said){line, length, NULL};
            found = true;
        }
        line += length;
    }
    return best;
}

/* "rsync: [sender] ..." and "@ERROR: ..." without what only names the speaker. */
static void skip_speaker(struct said *said)
{
    static const char *const speakers[] = {"rsync: ", "[", "@ERROR: ", "ERROR: "};
    for (size_t i = 0; i < sizeof speakers / sizeof *speakers; i++) {
        size_t length = strlen(speakers[i]);
        if (said->length < length || memcmp(said->line, speakers[i], length) != 0)
            continue;
        const char *end = *speakers[i] == '[' ? memmem(said->line, said->length, "] ", 2) : NULL;
        length = end ? (size_t)(end - said->line) + 2 : length;
        said->line += length;
        said->length -= length;
    }
}

static const struct meaning *find_meaning(int code)
{
    static const struct meaning other = {0, ERROR_SYSTEM, NULL};
    for (size_t i = 0; i < sizeof meanings / sizeof *meanings; i++)
        if (meanings[i].code == code)
            return &meanings[i];
    return &other;
}

/* Nothing that a terminal or a log would take for more than text. */
static void clean(char *text)
{
    for (; *text; text++)
        if (iscntrl((unsigned char)*text))
            *text = ' ';
}

/* What a script says of itself (shell.h). */
static const struct verdict {
    const char *word;
    enum error_class class;
    const char *text;
} verdicts[] = {
    {SHELL_NO_ARCHIVE, ERROR_UNREACHABLE,
     "archive directory %s can't be entered: does it exist, is it mounted? (If it is new, create "
     "it: that is never done here.)"},
    {SHELL_NO_IDENTITY, ERROR_UNREACHABLE,
     "archive directory %s has lost its .waltools: is it mounted, is it another?"},
    {SHELL_NO_RSYNC, ERROR_UNREACHABLE,
     "no rsync there: install it, or give its path as rsync-remote-program"},
    {SHELL_MISSING, ERROR_MISSING, "it is not there"},
};

static const struct verdict *find_verdict(int code, const char *told)
{
    for (size_t i = 0; i < sizeof verdicts / sizeof *verdicts; i++)
        if (strstr(told, verdicts[i].word) ||
            (code == CANT_FIND && strcmp(verdicts[i].word, SHELL_NO_RSYNC) == 0))
            return &verdicts[i];
    return NULL;
}

static void tell(const struct rsync_place *place, int code, const struct meaning *meaning,
                 const struct said *said, struct error *error)
{
    const struct known *known = said->known;
    enum error_class class = known && known->class != ERROR_NONE ? known->class : meaning->class;
    const char *advice = known && known->advice ? known->advice : "";
    if (meaning->text && !known)
        error_set(error, class, "%s: %s", place->host, meaning->text);
    else if (said->length)
        error_set(error, class, "%s: %.*s (exit code %d)%s%s", place->host, (int)said->length,
                  said->line, code, *advice ? ": " : "", advice);
    else
        error_set(error, class, "%s: exit code %d without a word", place->host, code);
    clean(error->message);
}

int rsync_fail(const struct rsync_place *place, int code, const char *told, struct error *error)
{
    const struct verdict *verdict = find_verdict(code, told);
    if (verdict) {
        error_set(error, verdict->class, verdict->text, place->directory);
        return error_prefix(error, "%s: ", place->host);
    }
    struct said said = choose(told);
    skip_speaker(&said);
    tell(place, code, find_meaning(code), &said, error);
    return -1;
}

bool rsync_knows_not(const char *told, const char *option)
{
    return strstr(told, "unknown option") && strstr(told, option);
}
