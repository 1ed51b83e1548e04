/* log.h - one line on standard error for what is not an error: "walpush: warning: ...".
 *
 * Quiet by default: warnings are always shown, information only with -v. A line is written by one
 * write(2), so that lines of several processes that share the server's log do not mix.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

struct error;

enum log_level { LOG_LEVEL_QUIET, LOG_LEVEL_WARNING, LOG_LEVEL_INFO };

/* Sets the program's name (borrowed) and the most talkative level that is still shown. Called once,
 * by main; this and the lead are the only things that this library keeps between calls. */
void log_open(const char *program, enum log_level level);

void log_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* "program: error: message". For mains only. */
void log_error(const struct error *error);

/* Text (borrowed) that is written before each line from now on, also by processes that are started
 * later: what makes room where a line of progress stands. "" is what it was. */
void log_lead(const char *text);

/* "program: message" without a severity, shown always: for output that another program defined. */
void log_plain(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
