/* error.h - what went wrong: a class, which decides the exit code and whether to try again, and a
 * message that is complete enough to print.
 *
 * The caller owns the struct. A function that can fail takes `struct error *` last and returns 0 or
 * -1 (or a pointer or NULL); the layer that detects a failure sets class and message, layers above
 * may prefix context, only a main prints. A message never ends in a newline and never holds one.
 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

enum error_class {
    ERROR_NONE = 0,
    ERROR_MISSING,     /* it is not there, and that is proved */
    ERROR_USAGE,       /* the caller or the configuration is wrong */
    ERROR_UNREACHABLE, /* the archive does not answer, or what answers is not the archive */
    ERROR_REFUSED,     /* it would break a promise: a conflict, or not this cluster's WAL */
    ERROR_EXISTS,      /* a create-only write met something under its name */
    ERROR_CORRUPT,     /* content does not check out */
    ERROR_SYSTEM,      /* the operating system says no: disk full, permission, memory */
    ERROR_INTERRUPTED, /* a signal asked the program to stop */
};

enum { ERROR_MESSAGE_SIZE = 1024 };

struct error {
    enum error_class class;
    char message[ERROR_MESSAGE_SIZE];
};

/* Sets class and message (a longer message is cut); always returns -1, so that a caller can write
 * `return error_set(...)`. */
int error_set(struct error *error, enum error_class class, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* As error_set, with ": " and the text of errno behind the message. EINTR becomes
 * ERROR_INTERRUPTED whatever the class asked for: system calls are only ever interrupted here by a
 * signal that asks the program to stop (see signals.h). */
int error_set_errno(struct error *error, enum error_class class, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts text before the message, keeps the class; always returns -1. */
int error_prefix(struct error *error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The exit code of a class, as every manual page lists them under EXIT STATUS. A program that a
 * signal has stopped does not exit but ends by the signal (signals_die). */
int error_exit_code(enum error_class class);

/* Out of memory, in the words that all callers use; always returns -1. */
int error_memory(struct error *error);

#endif
