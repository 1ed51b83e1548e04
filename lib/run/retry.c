#include "run/retry.h"
#include "base/clock.h"
#include "base/signals.h"

enum { FIRST_DELAY = 50, LONGEST_DELAY = 1000 };

void retry_start(struct retry *retry, uint64_t budget)
{
    *retry = (struct retry){clock_now_ms() + budget, FIRST_DELAY};
}

static bool time_may_mend(enum error_class class)
{
    return class == ERROR_UNREACHABLE || class == ERROR_CORRUPT || class == ERROR_SYSTEM;
}

bool retry_again(struct retry *retry, enum error_class class)
{
    uint64_t now = clock_now_ms();
    if (!time_may_mend(class) || now >= retry->deadline)
        return false;
    uint64_t left = retry->deadline - now;
    clock_sleep_ms(retry->delay < left ? retry->delay : left);
    retry->delay = retry->delay * 2 < LONGEST_DELAY ? retry->delay * 2 : LONGEST_DELAY;
    return !signals_caught();
}
