#include "crypto/sha256.h"
#include "base/error.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

struct sha256 {
    EVP_MD_CTX *context;
};

static int failed(struct error *error)
{
    return error_set(error, ERROR_SYSTEM, "OpenSSL can't compute SHA-256");
}

struct sha256 *sha256_open(struct error *error)
{
    /* The system's openssl.cnf says nothing that matters here, and reading it costs half a
     * millisecond of every command. */
    OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
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
    for (size_t i = 0; i < SHA256_SIZE; i++)
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    return 0;
}
