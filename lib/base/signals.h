/* signals.h - the signals that ask a program to stop, taken as a flag that long work looks at.
 *
 * PostgreSQL starts its commands with SIGINT, SIGPIPE, SIGALRM and SIGXFSZ ignored, so none of them
 * is relied on unreset.
 */
#ifndef BASE_SIGNALS_H
#define BASE_SIGNALS_H

struct error;

/* SIGTERM (and SIGINT, SIGHUP, SIGQUIT where they are not ignored) sets the flag and interrupts
 * system calls; SIGPIPE and SIGXFSZ become errors of write(2). Called once, by a main. */
void signals_setup(void);

/* 0, or -1 with ERROR_INTERRUPTED once a signal has asked to stop. */
int signals_check(struct error *error);

/* The signal that asked to stop, 0 when none has. */
int signals_caught(void);

/* Ends the process as that signal would have, so that the caller sees what happened. Does not
 * return. */
void signals_die(int number) __attribute__((noreturn));

#endif
