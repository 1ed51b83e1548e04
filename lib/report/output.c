#include "report/output.h"
#include "base/error.h"

#include <errno.h>

static int fail(struct error *error)
{
    if (errno == EPIPE)
        return error_set(error, ERROR_INTERRUPTED, "nobody reads the output any more");
    return error_set_errno(error, ERROR_SYSTEM, "can't write to standard output");
}

int output_check(FILE *out, struct error *error)
{
    return ferror(out) ? fail(error) : 0;
}

int output_finish(FILE *out, struct error *error)
{
    return fflush(out) == 0 && !ferror(out) ? 0 : fail(error);
}
