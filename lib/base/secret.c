#include "base/secret.h"

#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

void secret_free(char *text)
{
    if (text)
        explicit_bzero(text, strlen(text));
    free(text);
}

void secret_buf_free(struct buf *buf)
{
    if (buf->data)
        explicit_bzero(buf->data, buf->capacity);
    buf_free(buf);
}

void secret_forbid_dumps(void)
{
    prctl(PR_SET_DUMPABLE, 0);
}
