/* aws/environment.h - AWS's variables of the environment, of which an empty one counts as
 * none. Only for files of this room. */
#ifndef AWS_ENVIRONMENT_H
#define AWS_ENVIRONMENT_H

#include <stdbool.h>

/* NULL when it is not set. */
const char *aws_environment(const char *name);

/* Is it set to this text, in any case? */
bool aws_environment_is(const char *name, const char *text);

#endif
