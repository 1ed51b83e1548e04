/* rsync/claim.h - create-only where nothing of ours runs on the far side: at an rsync daemon.
 *
 * rsync looks, and then writes: two of them that push one name at once both succeed. But a symbolic
 * link that is not there, it makes by symlink(2), which fails when there is one by then. So a push
 * first makes the link .waltools/claim/NAME, whose target tells the digest of the content and the
 * time, then writes with --ignore-existing, and removes the link. Whoever finds a claim to other
 * content waits; one to the same content (a push that was killed and is tried again, say) hinders
 * nobody; one older than an hour is what a dead push has left. */
#ifndef RSYNC_CLAIM_H
#define RSYNC_CLAIM_H

#include "rsync/rsync.h"

#define CLAIM_DIRECTORY ".waltools/claim"
#define CLAIM_TEMPORARY ".waltools/tmp" /* rsync's --temp-dir; is made with the claim */

/* The claim to a key, as a name in CLAIM_DIRECTORY; the caller frees it. NULL without memory. */
char *claim_name(const char *key, struct error *error);

/* Claims the key for content of this digest (NULL: unlike all others). ERROR_UNREACHABLE when
 * another push holds it. Where no links can be made there is none, which is told once. */
int claim_take(struct rsync_storage *rsync, const char *key, const char *digest,
               struct error *error);

#endif
