#include "aws/environment.h"

#include <stddef.h>
#include <stdlib.h>
#include <strings.h>

const char *aws_environment(const char *name)
{
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

bool aws_environment_is(const char *name, const char *text)
{
    const char *value = aws_environment(name);
    return value && strcasecmp(value, text) == 0;
}
