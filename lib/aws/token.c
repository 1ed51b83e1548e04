#include "aws/token.h"
#include "base/error.h"
#include "base/file.h"

#include <fcntl.h>
#include <string.h>

enum { TOKEN_MAX = 64 * 1024 };

bool aws_token_is_printable(const char *text)
{
    const unsigned char *c = (const unsigned char *)text;
    while (*c >= ' ' && *c <= '~')
        c++;
    return *text && !*c;
}

int aws_token_read(const char *path, struct buf *token, struct error *error)
{
    if (file_slurp(AT_FDCWD, path, TOKEN_MAX, token, error)) {
        if (error->class != ERROR_INTERRUPTED)
            error->class = ERROR_USAGE;
        return error_prefix(error, "token: ");
    }
    if (strlen(token->data) != token->length)
        return error_set(error, ERROR_USAGE, "token: %s is no text", path);
    return 0;
}
