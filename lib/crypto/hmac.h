/* hmac.h - HMAC-SHA256 (RFC 2104, FIPS 198-1), by OpenSSL. */
#ifndef CRYPTO_HMAC_H
#define CRYPTO_HMAC_H

#include <stddef.h>

#include "crypto/sha256.h"

/* `mac` may lie where the key lies: a chain of keys needs no copies. ERROR_SYSTEM. */
int hmac_sha256(const void *key, size_t key_size, const void *data, size_t size,
                unsigned char mac[SHA256_SIZE], struct error *error);

#endif
