/* secret.h - memory that has held a secret is wiped before it is given back, so that no later crash
 * dump or leak shows it. */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include "base/buf.h"

/* Wipes the text and frees it; NULL is allowed. */
void secret_free(char *text);

/* Wipes all that the buffer has room for and makes it empty. A buffer that grows may have left a
 * copy behind: reserve what a secret will need before it is appended. */
void secret_buf_free(struct buf *buf);

/* From now on this process, and what it forks, leaves no core dump and can't be read by other
 * processes of the same user: prctl(2), PR_SET_DUMPABLE. What it executes is free of that. */
void secret_forbid_dumps(void);

#endif
