/* sha256.h - SHA-256 (FIPS 180-4), by OpenSSL. */
#ifndef CRYPTO_SHA256_H
#define CRYPTO_SHA256_H

#include <stddef.h>
#include <stdint.h>

struct error;
struct sha256;

enum { SHA256_SIZE = 32, SHA256_HEX_SIZE = 64 };

/* A new running digest, or NULL with ERROR_SYSTEM. The caller closes it; sha256_close(NULL) is
 * allowed. */
struct sha256 *sha256_open(struct error *error);
void sha256_close(struct sha256 *sha256);

int sha256_update(struct sha256 *sha256, const void *data, size_t size, struct error *error);

/* The digest of all that was given, as lower-case hex with a zero byte behind it. The running
 * digest can then only be closed. */
int sha256_finish(struct sha256 *sha256, char hex[SHA256_HEX_SIZE + 1], struct error *error);

/* The same of what lies in memory as a whole, as bytes or as hex; `data` may be NULL when there is
 * nothing. */
int sha256_of(const void *data, size_t size, unsigned char digest[SHA256_SIZE],
              struct error *error);
int sha256_hex(const void *data, size_t size, char hex[SHA256_HEX_SIZE + 1], struct error *error);

#endif
