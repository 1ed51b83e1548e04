#include "crypto/sha256.h"
#include "base/error.h"
#include "crypto/encode.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>

struct sha256 {
    EVP_MD_CTX *context;
};

static int failed(struct error *error)
{
    return error_set(error, ERROR_SYSTEM, "OpenSSL can't compute SHA-256");
}

/* The system's openssl.cnf says nothing that matters here, and reading it costs half a millisecond
 * of every command. */
static void start(void)
{
    OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
}

struct sha256 *sha256_open(struct error *error)
{
    start();
    struct sha256 *sha256 = calloc(1, sizeof *sha256);
    if (!sha256) {
        error_memory(error);
        return NULL;
    }
    sha256->context = EVP_MD_CTX_new();
    if (!sha256->context || !EVP_DigestInit_ex(sha256->context, EVP_sha256(), NULL)) {
        failed(error);
        sha256_close(sha256);
        return NULL;
    }
    return sha256;
}

void sha256_close(struct sha256 *sha256)
{
    if (sha256)
        EVP_MD_CTX_free(sha256->context);
    free(sha256);
}

int sha256_update(struct sha256 *sha256, const void *data, size_t size, struct error *error)
{
    return EVP_DigestUpdate(sha256->context, data, size) ? 0 : failed(error);
}

int sha256_finish(struct sha256 *sha256, char hex[SHA256_HEX_SIZE + 1], struct error *error)
{
    unsigned char digest[SHA256_SIZE];
    if (!EVP_DigestFinal_ex(sha256->context, digest, NULL))
        return failed(error);
    encode_hex(digest, sizeof digest, hex);
    return 0;
}

int sha256_of(const void *data, size_t size, unsigned char digest[SHA256_SIZE], struct error *error)
{
    start();
    return EVP_Digest(data, size, digest, NULL, EVP_sha256(), NULL) ? 0 : failed(error);
}

int sha256_hex(const void *data, size_t size, char hex[SHA256_HEX_SIZE + 1], struct error *error)
{
    unsigned char digest[SHA256_SIZE];
    if (sha256_of(data, size, digest, error))
        return -1;
    encode_hex(digest, sizeof digest, hex);
    return 0;
}
