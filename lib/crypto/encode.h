/* encode.h - digests as text. */
#ifndef CRYPTO_ENCODE_H
#define CRYPTO_ENCODE_H

#include <stddef.h>
#include <sys/types.h>

/* Lower-case hex; `hex` has room for 2 * size + 1 characters. */
void encode_hex(const unsigned char *data, size_t size, char *hex);

/* Base64 (RFC 4648) with padding; `text` has room for ENCODE_BASE64_SIZE(size) + 1 characters. */
#define ENCODE_BASE64_SIZE(size) (((size) + 2) / 3 * 4)
void encode_base64(const unsigned char *data, size_t size, char *text);

/* The other way: at most `size` bytes into `data`. Returns how many, or -1 when the text is not
 * exactly what encode_base64 writes (padding missing, white space, bits left over) or holds more;
 * `data` then holds anything. */
ssize_t decode_base64(const char *text, unsigned char *data, size_t size);

#endif
