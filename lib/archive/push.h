/* archive/push.h - a file of the server goes into the archive. */
#ifndef ARCHIVE_PUSH_H
#define ARCHIVE_PUSH_H

#include "archive/archive.h"
#include "archive/identity.h"

struct error;

/* Archives the files at `paths` (NULL-terminated), in this order, each under its own name. When
 * this returns 0 every object is complete, durable, and holds exactly its file's content; it may
 * have been there before with the same content. -1 at the first failure: ERROR_REFUSED for other
 * content under the name, for another cluster's archive and for what is not WAL; ERROR_CORRUPT for
 * a file that does not check out; ERROR_UNREACHABLE, ERROR_SYSTEM, ERROR_INTERRUPTED. Then nothing
 * was changed, but that files before it may be archived, and the archive's identity written. */
int archive_push(struct archive *archive, char *const *paths, enum identity_new new,
                 struct error *error);

/* Gives a new archive its identity, that of the cluster whose data directory is the working
 * directory. ERROR_REFUSED when it is another cluster's already. */
int archive_init(struct archive *archive, struct error *error);

#endif
