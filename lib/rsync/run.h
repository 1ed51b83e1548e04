/* rsync/run.h - one run of rsync (or ssh), and what its end means. */
#ifndef RSYNC_RUN_H
#define RSYNC_RUN_H

#include "rsync/rsync.h"

/* Called for each line on standard output, without its end. Returns 0; 1 when all is known that the
 * run was for, and its good-byes need not be waited for (rsync_finish does); or -1 to end it. */
typedef int rsync_line(void *context, char *line, struct error *error);

/* Where lines go and where names come from; zero-initialise for neither. */
struct rsync_talk {
    rsync_line *line;
    void *context;
    const struct buf *input; /* for standard input */
};

#define RSYNC_MARK "=" /* begins the lines that we ask for by --out-format */

/* A name as it is, in place of how rsync prints it; returns it. */
char *rsync_unescape(char *name);

/* Appends rsync and the options that every run has. Paths follow: rsync_add_path. */
int rsync_begin(const struct rsync_storage *rsync, struct arguments *arguments,
                struct error *error);

/* The same; `script` (shell.h) is what runs on the far side. */
void rsync_begin_script(const struct rsync_storage *rsync, struct arguments *arguments,
                        const char *script);

/* Appends the text to a filter rule, as it is: rsync(1), "PATTERN MATCHING RULES". */
int rsync_add_pattern(struct buf *rule, const char *text, struct error *error);

enum { RSYNC_FILE_IO = 11 /* rsync(1), "EXIT VALUES" */ };
enum { RSYNC_PARTIAL = 23 /* rsync(1), "EXIT VALUES": some files could not be done */ };

/* Appends the path of the archive itself ("") or of one below it, as an argument. */
void rsync_add_path(const struct rsync_storage *rsync, struct arguments *arguments,
                    const char *path);

/* Runs it to its end. rsync->code is its exit code. ERROR_UNREACHABLE, ERROR_EXISTS (a placing
 * script's), ERROR_SYSTEM, ERROR_USAGE when the program can't be run, ERROR_INTERRUPTED. Silence is
 * ended by rsync itself; a guard watches over this process. */
int rsync_run(struct rsync_storage *rsync, const struct arguments *arguments,
              const struct rsync_talk *talk, struct error *error);

/* Waits for the end of a run that was left to itself. Called before the storage is closed. */
void rsync_finish(struct rsync_storage *rsync);

#endif
