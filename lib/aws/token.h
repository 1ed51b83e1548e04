/* aws/token.h - tokens with which credentials are asked for. Only for files of this room. */
#ifndef AWS_TOKEN_H
#define AWS_TOKEN_H

#include <stdbool.h>

#include "base/buf.h"

struct error;

/* Not empty and only printable ASCII characters and spaces: it can't end a header's line. */
bool aws_token_is_printable(const char *text);

/* Reads the file. Whoever writes it changes it from time to time, so it is read for each use.
 * ERROR_USAGE when it can't be read, is larger than 64 KiB or holds something else than text. The
 * caller wipes `token` (secret_buf_free), also after a failure. */
int aws_token_read(const char *path, struct buf *token, struct error *error);

#endif
