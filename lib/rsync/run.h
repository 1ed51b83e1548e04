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

/* Appends rsync and the options that every run has. Paths follow: rsync_add_path. */
int rsync_begin(const struct rsync_storage *rsync, struct arguments *arguments,
                struct error *error);

/* The same; `script` (shell.h) is what runs on the far side. */
void rsync_begin_script(const struct rsync_storage *rsync, struct arguments *arguments,
                        const char *script);

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

/* Begins a run with --files-from=- for `owner`, an upload: it connects while the upload is written.
 * There is at most one. Never fails: what is wrong the run itself will tell, or a later one. */
void rsync_open_early(struct rsync_storage *rsync, const struct arguments *arguments,
                      const void *owner);

/* Is there one for this owner, and has it not waited so long that the far side may have given up?
 */
bool rsync_is_early(const struct rsync_storage *rsync, const void *owner);

/* Gives it the name of what it is to move, and runs it to its end, as rsync_run. */
int rsync_run_early(struct rsync_storage *rsync, const char *name, struct error *error);

/* Ends it, if there is one, with nothing done. */
void rsync_drop_early(struct rsync_storage *rsync);

/* Waits for the end of a run that was left to itself. Called before the storage is closed. */
void rsync_finish(struct rsync_storage *rsync);

#endif
