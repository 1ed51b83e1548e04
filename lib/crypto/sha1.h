/* sha1.h - SHA-1 (FIPS 180-4), by OpenSSL: not for security, but because other tools' archives name
 * it. */
#ifndef CRYPTO_SHA1_H
#define CRYPTO_SHA1_H

#include <stddef.h>

struct error;
struct sha1;

enum { SHA1_SIZE = 20, SHA1_HEX_SIZE = 40 };

/* As sha256_open and its like in sha256.h. */
struct sha1 *sha1_open(struct error *error);
void sha1_close(struct sha1 *sha1);
int sha1_update(struct sha1 *sha1, const void *data, size_t size, struct error *error);
int sha1_finish(struct sha1 *sha1, char hex[SHA1_HEX_SIZE + 1], struct error *error);

#endif
