/* archive/digest.h - SHA-256 of a content while it flows by, computed beside the compression.
 *
 * Hashing takes a fifth of the time that fast compression takes. A thread of its own does it for
 * large pieces, so that it costs no time where a second processor is free.
 */
#ifndef ARCHIVE_DIGEST_H
#define ARCHIVE_DIGEST_H

#include <stddef.h>

#include "crypto/sha256.h"

struct error;
struct digest;

/* NULL with ERROR_SYSTEM on failure. The caller closes it; digest_close(NULL) is allowed. */
struct digest *digest_open(struct error *error);
void digest_close(struct digest *digest);

/* Adds the bytes. They may still be read after this returns: they must stay as they are until the
 * next digest_wait, digest_add or digest_finish has returned. */
int digest_add(struct digest *digest, const void *data, size_t size, struct error *error);

/* Returns when all bytes that were added have been used. */
void digest_wait(struct digest *digest);

/* The digest in lower-case hex with a zero byte behind it. Then it can only be closed. */
int digest_finish(struct digest *digest, char hex[SHA256_HEX_SIZE + 1], struct error *error);

#endif
