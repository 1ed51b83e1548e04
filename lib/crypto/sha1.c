#include "crypto/sha1.h"
#include "base/error.h"
#include "crypto/encode.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

/* OpenSSL's own struct, which is never looked into. */
static EVP_MD_CTX *context_of(struct sha1 *sha1)
{
    return (EVP_MD_CTX *)sha1;
}

static int failed(struct error *error)
{
    return error_set(error, ERROR_SYSTEM,
                     "OpenSSL can't compute SHA-1: does the system's policy forbid it?");
}

struct sha1 *sha1_open(struct error *error)
{
    OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL); /* as sha256_open does */
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    if (context && EVP_DigestInit_ex(context, EVP_sha1(), NULL))
        return (struct sha1 *)context;
    EVP_MD_CTX_free(context);
    failed(error);
    return NULL;
}

void sha1_close(struct sha1 *sha1)
{
    EVP_MD_CTX_free(context_of(sha1));
}

int sha1_update(struct sha1 *sha1, const void *data, size_t size, struct error *error)
{
    return EVP_DigestUpdate(context_of(sha1), data, size) ? 0 : failed(error);
}

int sha1_finish(struct sha1 *sha1, char hex[SHA1_HEX_SIZE + 1], struct error *error)
{
    unsigned char digest[SHA1_SIZE];
    if (!EVP_DigestFinal_ex(context_of(sha1), digest, NULL))
        return failed(error);
    encode_hex(digest, sizeof digest, hex);
    return 0;
}
