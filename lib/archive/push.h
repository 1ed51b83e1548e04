/* archive/push.h - a file of the server goes into the archive. */
#ifndef ARCHIVE_PUSH_H
#define ARCHIVE_PUSH_H

#include "archive/archive.h"
#include "archive/identity.h"

struct error;

/* Archives the file at `path` under its own name. When this returns 0 the object is complete,
 * durable, and holds exactly the file's content; it may have been there before with the same
 * content. -1: ERROR_REFUSED for other content under the name, for another cluster's archive and
 * for what is not WAL; ERROR_CORRUPT for a file that does not check out; ERROR_UNREACHABLE,
 * ERROR_SYSTEM, ERROR_INTERRUPTED. Then nothing was changed, but for the archive's identity, which
 * a first push may have written. */
int archive_push(struct archive *archive, const char *path, enum identity_new new,
                 struct error *error);

/* Gives a new archive its identity, that of the cluster whose data directory is the working
 * directory. ERROR_REFUSED when it is another cluster's already. */
int archive_init(struct archive *archive, struct error *error);

#endif
