/* md5.h - MD5 (RFC 1321), by OpenSSL: not for security, but because S3's Content-MD5 wants it. */
#ifndef CRYPTO_MD5_H
#define CRYPTO_MD5_H

#include <stddef.h>

struct error;

enum { MD5_SIZE = 16 };

/* ERROR_SYSTEM, also where the system's policy forbids MD5. */
int md5(const void *data, size_t size, unsigned char digest[MD5_SIZE], struct error *error);

#endif
