/* report/progress.h - how far a long run has come: one line at the bottom of a terminal, with what
 * is done, how fast, and how long it will take. Where standard error is no terminal there is none.
 *
 *     struct progress *progress = progress_open("verifying", segments, bytes, error);
 *     ... progress_add(progress, 1, size); progress_tick(progress); ...
 *     progress_close(progress);
 *
 * Lines that log.h writes meanwhile, also in processes that were started since, take the line's
 * place, and it comes again below them.
 */
#ifndef REPORT_PROGRESS_H
#define REPORT_PROGRESS_H

#include <stdint.h>

struct error;
struct progress;

/* Begins one. `what` (borrowed) is what is done, in a word or two; `items` and `bytes` are how much
 * there will be, 0 when that is not known: then there is no bar and no time left. *progress is NULL
 * when it would not be seen, and all that follow take NULL and do nothing. -1 without memory. */
int progress_open(struct progress **progress, const char *what, uint64_t items, uint64_t bytes,
                  struct error *error);

/* So much more is done; so much more is to do, as far as that is only found out on the way. */
void progress_add(struct progress *progress, uint64_t items, uint64_t bytes);
void progress_extend(struct progress *progress, uint64_t items, uint64_t bytes);

/* So much of what was to do need not be done. */
void progress_skip(struct progress *progress, uint64_t items, uint64_t bytes);

/* Draws it, if that was long enough ago. Called several times a second, as by pool_work.tick. */
void progress_tick(struct progress *progress);

/* Wipes the line away. */
void progress_close(struct progress *progress);

/* The line's text, of at most `width` columns: for progress_tick, and for whoever has another place
 * for it. */
struct progress_state {
    const char *what;
    uint64_t items, items_total, bytes, bytes_total; /* 0: not known */
    uint64_t milliseconds;                           /* since the begin */
};
enum { PROGRESS_WIDTH_MAX = 160 };
void progress_text(const struct progress_state *state, unsigned width,
                   char text[PROGRESS_WIDTH_MAX + 1]);

#endif
