#include "crypto/md5.h"
#include "base/error.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

int md5(const void *data, size_t size, unsigned char digest[MD5_SIZE], struct error *error)
{
    OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL); /* as sha256_open does */
    if (!EVP_Digest(data, size, digest, NULL, EVP_md5(), NULL))
        return error_set(error, ERROR_SYSTEM,
                         "OpenSSL can't compute MD5: does the system's policy forbid it?");
    return 0;
}
