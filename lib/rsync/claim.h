/* rsync/claim.h - create-only where nothing of ours runs on the far side: at an rsync daemon.
 *
 * rsync looks, and then writes: two of them that push one name at once both succeed. But a symbolic
 * link that is not there, it makes by symlink(2), which fails when there is one by then. So a push
 * first makes the link .waltools/tmp/NAME, whose target tells the digest of the content and the
 * time, then writes with --ignore-existing, and removes the link. Whoever finds a claim to other
 * content waits for half of the timeout; one to the same content (a push that was killed and is
 * tried again, say) hinders nobody; one older than an hour is what a dead push has left. */
#ifndef RSYNC_CLAIM_H
#define RSYNC_CLAIM_H

#include "rsync/rsync.h"

#define CLAIM_DIRECTORY                                                                            \
    ".waltools/tmp" /* rsync's --temp-dir, too; is made with the first claim                       \
                     */

/* The claim to a key, as a name in CLAIM_DIRECTORY; the caller frees it. NULL without memory. */
char *claim_name(const char *key, struct error *error);

struct claim {
    const char *key;
    const char *digest; /* of the content; NULL: unlike all others */
    bool held;          /* the key may be written; */
    bool made;          /* by a claim that this call has made */
};

/* Claims the keys, in one run when nobody else has claimed one. ERROR_UNREACHABLE when another push
 * holds one. Where no links can be made there is none, which is told. */
int claim_take(struct rsync_storage *rsync, struct claim *claims, size_t count,
               struct error *error);

/* Removes what a push that was killed in its last moment has left of a key that is there, as far as
 * that can be done: such a claim hinders nobody. */
void claim_forget(struct rsync_storage *rsync, const char *key);

#endif
