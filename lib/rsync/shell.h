/* rsync/shell.h - what is run on the far side of an ssh connection, around rsync or instead of it.
 *
 * The script is one word for any login shell: sh -c '...', without quote, newline or exclamation
 * mark inside. Every path in it is written as the octal numbers of its bytes, so that no shell,
 * here or there, can take a part of one for anything else. */
#ifndef RSYNC_SHELL_H
#define RSYNC_SHELL_H

#include "base/buf.h"

/* Exit codes of these scripts, beyond those of rsync (up to 35), shells (126, 127) and ssh (255).
 */
enum {
    SHELL_NOT_READY = 91, /* one of the words below says why */
    SHELL_CANT_MAKE = 92, /* a directory in the archive can't be made */
    SHELL_EXISTS = 93,    /* the name is taken */
    SHELL_CANT_LINK = 94,
    SHELL_CANT_SYNC = 95,
};

/* On standard error, as rsync does not always pass on the exit code of what ends before it begins:
 * the archive's directory can't be entered, has lost its .waltools, rsync is not there; the object
 * to settle is not there. */
#define SHELL_NO_ARCHIVE "waltools:no-archive"
#define SHELL_NO_IDENTITY "waltools:no-identity"
#define SHELL_MISSING "waltools:missing"
#define SHELL_NO_RSYNC "waltools:no-rsync"

/* Temporary objects over there; older than a day they are what a killed push has left. */
#define SHELL_TEMPORARY ".waltools/tmp"

/* Appends a script that enters `directory` and then, with rsync's own arguments as its arguments:
 * runs `program`. */
int shell_rsync(struct buf *script, const char *directory, const char *program,
                struct error *error);

/* The same; what it has removed stays removed. */
int shell_rsync_removing(struct buf *script, const char *directory, const char *program,
                         struct error *error);

/* Runs `program`, which brings the files `temporary` into SHELL_TEMPORARY; then gives each the name
 * `key`, durably, in this order, unless it is taken: link(2). The first that fails ends it. */
struct shell_object {
    const char *temporary; /* name in SHELL_TEMPORARY */
    const char *key;
};
int shell_rsync_placing(struct buf *script, const char *directory, const char *program,
                        const struct shell_object *objects, size_t count, struct error *error);

/* Makes an object and its name durable. */
int shell_settle(struct buf *script, const char *directory, const char *key, struct error *error);

#endif
