/* The line that tells how far a long run has come. */
#include "report/progress.h"
#include "base/error.h"
#include "tap.h"

#include <string.h>
#include <unistd.h>

enum { MIB = 1 << 20 };

static const char *line(struct progress_state state, unsigned width)
{
    static char text[PROGRESS_WIDTH_MAX + 1];
    progress_text(&state, width, text);
    return text;
}

static void test_text(void)
{
    const struct progress_state half = {"verifying", 1000, 2000, 500 * MIB, 1000 * MIB, 10000};
    is_string(line(half, 100),
              "verifying: [##########..........]  50%  1,000 of 2,000, 50 MiB/s, 11 s left",
              "share by bytes, rate, time left");
    is_string(line(half, 22), "verifying: [##########", "no wider than the terminal");
    is_string(line((struct progress_state){"copying", 3, 0, 6 * MIB, 0, 2000}, 100),
              "copying: 3, 3 MiB/s", "nothing is guessed when the total is not known");
    is_string(line((struct progress_state){"listing", 50, 200, 0, 0, 5000}, 100),
              "listing: [#####...............]  25%  50 of 200, 10/s, 16 s left", "items alone");
    is_string(line((struct progress_state){"x", 0, 10, 0, 0, 100}, 100),
              "x: [....................]   0%  0 of 10, -", "at the begin");
    is_string(line((struct progress_state){"x", 12, 10, 12, 10, 1000}, 100),
              "x: [####################] 100%  12 of 10, 12 B/s", "more than was expected");
}

/* Standard error is a file, where a test runs under prove; here it is made one. */
static void test_no_terminal(void)
{
    struct progress *progress;
    struct error error;
    int before = dup(STDERR_FILENO), ends[2];
    char c;
    if (pipe(ends) || dup2(ends[1], STDERR_FILENO) < 0)
        return;
    int opened = progress_open(&progress, "x", 1, 1, &error);
    progress_add(progress, 1, 1);
    progress_extend(progress, 1, 1);
    progress_tick(progress);
    progress_close(progress);
    dup2(before, STDERR_FILENO);
    close(ends[1]);
    ok(opened == 0 && !progress, "there is none where standard error is no terminal");
    is_int(read(ends[0], &c, 1), 0, "... and nothing is written");
}

int main(void)
{
    test_text();
    test_no_terminal();
    return done_testing();
}
