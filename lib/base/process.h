/* process.h - another program, run and waited for. */
#ifndef BASE_PROCESS_H
#define BASE_PROCESS_H

#include <stdint.h>
#include <sys/types.h>

struct error;

enum { PROCESS_NOTHING = -1 /* /dev/null */ };

struct process_command {
    const char *const *arguments;   /* NULL-terminated; the first is looked for in PATH */
    const char *const *environment; /* "NAME=value", NULL-terminated; NULL: ours */
    const char *directory;          /* to run in; NULL: ours */
    int input, output, errors;      /* descriptors, borrowed, or PROCESS_NOTHING */
};

/* Starts it in a process group of its own, with the signals as a shell expects them; it ends when
 * this process does. Returns its number, which process_wait or process_kill must be given, or -1:
 * ERROR_USAGE when there is no such program or it can't be run, ERROR_SYSTEM. */
pid_t process_start(const struct process_command *command, struct error *error);

/* Waits for its end until `deadline` (clock_now_ms), looking for signals that ask to stop. *status
 * is as waitpid's. -1: it still runs. ERROR_UNREACHABLE when the time is up, ERROR_INTERRUPTED. */
int process_wait(pid_t child, uint64_t deadline, int *status, struct error *error);

/* Kills it and all that it has started in its group, and waits for its end. */
void process_kill(pid_t child);

/* Whether to go on waiting: -1 with ERROR_UNREACHABLE or ERROR_INTERRUPTED if not. */
int process_check_time(uint64_t deadline, struct error *error);

enum { PROCESS_LOOK_MS = 200 /* how long a signal may have to wait to be seen */ };

#endif
