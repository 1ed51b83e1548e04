#include "report/progress.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "report/human.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { BETWEEN_MS = 200, BAR_WIDTH = 20, WIDTH_USUAL = 80, WIDTH_MIN = 20, SETTLE_MS = 1000 };

/* Back to the first column, and all behind it away (ECMA-48 EL). */
static const char wipe[] = "\r\033[K";

struct progress {
    struct progress_state state;
    uint64_t begun, drawn; /* clock_now_ms */
};

/* ---- the text ---- */

/* How much of it is done, 0 to 1; negative when it is not known. Bytes say it better than items. */
static double share(const struct progress_state *state)
{
    uint64_t total = state->bytes_total ? state->bytes_total : state->items_total;
    uint64_t done = state->bytes_total ? state->bytes : state->items;
    if (!total)
        return -1;
    return done >= total ? 1 : (double)done / (double)total;
}

static void write_bar(double done, char bar[BAR_WIDTH + 1])
{
    size_t full = (size_t)(done * BAR_WIDTH);
    memset(bar, '#', full);
    memset(bar + full, '.', BAR_WIDTH - full);
    bar[BAR_WIDTH] = '\0';
}

static void write_rate(const struct progress_state *state, char rate[HUMAN_SIZE])
{
    if (state->bytes)
        human_rate(state->bytes, state->milliseconds, rate);
    else if (state->milliseconds >= SETTLE_MS)
        snprintf(rate, HUMAN_SIZE, "%.0f/s",
                 (double)state->items * 1000 / (double)state->milliseconds);
    else
        snprintf(rate, HUMAN_SIZE, "-");
}

/* Nothing as long as too little is done to tell. */
static void write_left(const struct progress_state *state, double done, char left[HUMAN_SIZE + 8])
{
    char time[HUMAN_SIZE];
    *left = '\0';
    if (done <= 0 || done >= 1 || state->milliseconds < SETTLE_MS)
        return;
    double seconds = (double)state->milliseconds / 1000 * (1 - done) / done;
    snprintf(left, HUMAN_SIZE + 8, ", %s left", human_duration((int64_t)(seconds + 1), time));
}

void progress_text(const struct progress_state *state, unsigned width,
                   char text[PROGRESS_WIDTH_MAX + 1])
{
    char line[2 * PROGRESS_WIDTH_MAX], bar[BAR_WIDTH + 1], rate[HUMAN_SIZE], left[HUMAN_SIZE + 8];
    char items[HUMAN_SIZE], total[HUMAN_SIZE];
    double done = share(state);
    human_count(state->items, items);
    write_rate(state, rate);
    write_left(state, done, left);
    if (done < 0) {
        snprintf(line, sizeof line, "%s: %s, %s", state->what, items, rate);
    } else {
        write_bar(done, bar);
        snprintf(line, sizeof line, "%s: [%s] %3d%%  %s%s%s, %s%s", state->what, bar,
                 (int)(done * 100), items, state->items_total ? " of " : "",
                 state->items_total ? human_count(state->items_total, total) : "", rate, left);
    }
    snprintf(text, PROGRESS_WIDTH_MAX + 1, "%.*s", (int)width, line);
}

/* ---- the terminal ---- */

/* A "dumb" terminal can't wipe a line. */
static bool can_be_seen(void)
{
    const char *terminal = getenv("TERM");
    return isatty(STDERR_FILENO) && terminal && *terminal && strcmp(terminal, "dumb") != 0;
}

/* The last column stays free: a cursor that wraps would begin a new line. */
static unsigned width_of_terminal(void)
{
    struct winsize size;
    unsigned width = WIDTH_USUAL;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        width = size.ws_col < WIDTH_MIN ? WIDTH_MIN : size.ws_col;
    return width - 1 < PROGRESS_WIDTH_MAX ? width - 1 : PROGRESS_WIDTH_MAX;
}

static void put(const char *text)
{
    ssize_t ignored = write(STDERR_FILENO, text, strlen(text));
    (void)ignored;
}

int progress_open(struct progress **progress, const char *what, uint64_t items, uint64_t bytes,
                  struct error *error)
{
    *progress = NULL;
    if (!can_be_seen())
        return 0;
    *progress = calloc(1, sizeof **progress);
    if (!*progress)
        return error_memory(error);
    (*progress)->state =
        (struct progress_state){.what = what, .items_total = items, .bytes_total = bytes};
    (*progress)->begun = clock_now_ms();
    log_lead(wipe);
    return 0;
}

void progress_add(struct progress *progress, uint64_t items, uint64_t bytes)
{
    if (!progress)
        return;
    progress->state.items += items;
    progress->state.bytes += bytes;
}

void progress_extend(struct progress *progress, uint64_t items, uint64_t bytes)
{
    if (!progress)
        return;
    progress->state.items_total += items;
    progress->state.bytes_total += bytes;
}

static uint64_t less(uint64_t total, uint64_t by)
{
    return total > by ? total - by : 0;
}

void progress_skip(struct progress *progress, uint64_t items, uint64_t bytes)
{
    if (!progress)
        return;
    progress->state.items_total = less(progress->state.items_total, items);
    progress->state.bytes_total = less(progress->state.bytes_total, bytes);
}

void progress_tick(struct progress *progress)
{
    char text[PROGRESS_WIDTH_MAX + 1], line[sizeof wipe + sizeof text];
    uint64_t now = clock_now_ms();
    if (!progress || (progress->drawn && now - progress->drawn < BETWEEN_MS))
        return;
    progress->drawn = now;
    progress->state.milliseconds = now - progress->begun;
    progress_text(&progress->state, width_of_terminal(), text);
    snprintf(line, sizeof line, "%s%s", wipe, text);
    put(line);
}

void progress_close(struct progress *progress)
{
    if (!progress)
        return;
    if (progress->drawn)
        put(wipe);
    log_lead("");
    free(progress);
}
