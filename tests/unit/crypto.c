/* Digests, HMAC and their text forms, by the examples of the documents that define them. */
#include "base/error.h"
#include "crypto/encode.h"
#include "crypto/hmac.h"
#include "crypto/md5.h"
#include "crypto/sha256.h"
#include "tap.h"

#include <stdlib.h>

#define TEN(text) text text text text text text text text text text

static void test_hex(void)
{
    char hex[2 * 256 + 1];
    encode_hex((const unsigned char *)"\x00\x01\x0f\x10\x7f\x80\xab\xff", 8, hex);
    is_string(hex, "00010f107f80abff", "hex: lower case, two digits a byte");
    encode_hex(NULL, 0, hex);
    is_string(hex, "", "hex of nothing");
}

/* RFC 4648, section 10; then what only other bytes show. */
static const struct {
    const char *data, *text;
} base64_examples[] = {
    {"", ""},
    {"f", "Zg=="},
    {"fo", "Zm8="},
    {"foo", "Zm9v"},
    {"foob", "Zm9vYg=="},
    {"fooba", "Zm9vYmE="},
    {"foobar", "Zm9vYmFy"},
    {"\xff\xef\xbe", "/+++"},
    {"\xfb\xff", "+/8="},
};

static void test_base64_examples(void)
{
    for (size_t i = 0; i < sizeof base64_examples / sizeof base64_examples[0]; i++) {
        const char *data = base64_examples[i].data;
        size_t size = strlen(data);
        char text[ENCODE_BASE64_SIZE(6) + 1];
        unsigned char decoded[6];
        encode_base64((const unsigned char *)data, size, text);
        is_string(text, base64_examples[i].text, "base64 of %zu bytes is %s", size, text);
        is_int(decode_base64(text, decoded, sizeof decoded), (ssize_t)size, "and back");
        ok(memcmp(decoded, data, size) == 0, "the same");
    }
}

static void test_base64_round_trip(void)
{
    unsigned char data[256], decoded[256];
    char text[ENCODE_BASE64_SIZE(256) + 1];
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (unsigned char)(i * 167 + 13);
    size_t same = 0;
    for (size_t size = 0; size <= sizeof data; size++) {
        encode_base64(data, size, text);
        same += strlen(text) == ENCODE_BASE64_SIZE(size) &&
                decode_base64(text, decoded, size) == (ssize_t)size &&
                memcmp(decoded, data, size) == 0;
    }
    is_int(same, sizeof data + 1, "base64: all lengths up to 256 bytes, all bytes, there and back");
}

static void test_bad_base64(void)
{
    static const char *const texts[] = {
        /* not a whole group */
        "A",
        "Z",
        "Zg",
        "Zg=",
        "Zm8",
        "Zm9vA",
        "Zm9vZ",
        "A===",
        "Z===",
        /* padding where none belongs */
        "=",
        "==",
        "====",
        "Zg===",
        "Zm9v=",
        "Zm9v====",
        "Zg=v",
        "Z=g=",
        "Zg==Zg==",
        "Zg==\n",
        /* other characters */
        "Zm 9v",
        " Zm9v",
        "Zm9v\n",
        "Zm9\nv",
        "Zm8\n",
        "Zm8-",
        "Zm8_",
        "Zm8,",
        "Zm8\"",
        "Zm8.",
        "Zm\xc3\xa9",
        "Zm8\xff",
        /* bits that are left over */
        "Zh==",
        "Zm9=",
    };
    unsigned char data[16];
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        is_int(decode_base64(texts[i], data, sizeof data), -1, "text %zu is no base64", i + 1);
}

static void test_base64_room(void)
{
    unsigned char data[7] = "\0\0\0\0\0\0";
    data[6] = 0xee;
    is_int(decode_base64("Zm9vYmFy", data, 6), 6, "base64 that just fits");
    is_int(data[6], 0xee, "nothing is written behind");
    data[5] = 0xee;
    is_int(decode_base64("Zm9vYmFy", data, 5), -1, "base64 that holds a byte too many");
    is_int(data[5], 0xee, "nothing is written behind");
    is_int(decode_base64("", data, 0), 0, "nothing fits into nothing");
    is_int(decode_base64("Zg==", data, 0), -1, "a byte does not");
}

/* NIST's examples for FIPS 180. */
static const struct {
    const char *data, *hex;
} sha256_examples[] = {
    {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    {"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmno"
     "ijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
     "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"},
};

/* The running digest, given a few bytes at a time. */
static int sha256_by_portions(const char *data, char hex[SHA256_HEX_SIZE + 1], struct error *error)
{
    struct sha256 *sha256 = sha256_open(error);
    int result = sha256 ? 0 : -1;
    for (size_t n; result == 0 && *data; data += n) {
        n = strnlen(data, 7);
        result = sha256_update(sha256, data, n, error);
    }
    if (result == 0)
        result = sha256_finish(sha256, hex, error);
    sha256_close(sha256);
    return result;
}

static void test_sha256(void)
{
    char hex[SHA256_HEX_SIZE + 1];
    struct error error;
    for (size_t i = 0; i < sizeof sha256_examples / sizeof sha256_examples[0]; i++) {
        const char *data = sha256_examples[i].data;
        is_int(sha256_hex(data, strlen(data), hex, &error), 0, "SHA-256 of %zu bytes",
               strlen(data));
        is_string(hex, sha256_examples[i].hex, "is right");
        hex[0] = '\0';
        is_int(sha256_by_portions(data, hex, &error), 0, "by portions");
        is_string(hex, sha256_examples[i].hex, "is the same");
    }
    is_int(sha256_hex(NULL, 0, hex, &error), 0, "SHA-256 of nothing, given as NULL");
    is_string(hex, sha256_examples[0].hex, "is that of nothing");
}

/* RFC 1321, A.5. */
static const struct {
    const char *data, *hex;
} md5_examples[] = {
    {"", "d41d8cd98f00b204e9800998ecf8427e"},
    {"a", "0cc175b9c0f1b6a831c399e269772661"},
    {"abc", "900150983cd24fb0d6963f7d28e17f72"},
    {"message digest", "f96b697d7cb7938d525a2f31aaf161d0"},
    {"abcdefghijklmnopqrstuvwxyz", "c3fcd3d76192e4007dfb496cca67e13b"},
    {"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
     "d174ab98d277d9f5a5611c2c9f419d9f"},
    {"12345678901234567890123456789012345678901234567890123456789012345678901234567890",
     "57edf4a22be3c955ac49da2e2107b67a"},
};

static void test_md5(void)
{
    for (size_t i = 0; i < sizeof md5_examples / sizeof md5_examples[0]; i++) {
        const char *data = md5_examples[i].data;
        unsigned char digest[MD5_SIZE] = {0};
        char hex[2 * MD5_SIZE + 1];
        struct error error;
        is_int(md5(data, strlen(data), digest, &error), 0, "MD5 of \"%s\"", data);
        encode_hex(digest, sizeof digest, hex);
        is_string(hex, md5_examples[i].hex, "is right");
    }
}

/* RFC 4231, section 4; the fifth gives only the first 16 bytes. */
static const struct {
    const char *key, *data, *hex;
} hmac_examples[] = {
    {TEN("\x0b") TEN("\x0b"), "Hi There",
     "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
    {"Jefe", "what do ya want for nothing?",
     "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
    {TEN("\xaa") TEN("\xaa"), TEN("\xdd\xdd\xdd\xdd\xdd"),
     "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
    {"\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17"
     "\x18\x19",
     TEN("\xcd\xcd\xcd\xcd\xcd"),
     "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"},
    {TEN("\x0c") TEN("\x0c"), "Test With Truncation", "a3b6167473100ee06e0c796c2955552b"},
    {TEN(TEN("\xaa")) TEN("\xaa\xaa\xaa") "\xaa",
     "Test Using Larger Than Block-Size Key - Hash Key First",
     "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
    {TEN(TEN("\xaa")) TEN("\xaa\xaa\xaa") "\xaa",
     "This is a test using a larger than block-size key and a larger than block-size data. The key "
     "needs to be hashed before being used by the HMAC algorithm.",
     "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"},
};

static void test_hmac(void)
{
    for (size_t i = 0; i < sizeof hmac_examples / sizeof hmac_examples[0]; i++) {
        const char *key = hmac_examples[i].key, *data = hmac_examples[i].data;
        const char *expected = hmac_examples[i].hex;
        unsigned char mac[SHA256_SIZE] = {0};
        char hex[SHA256_HEX_SIZE + 1];
        struct error error;
        is_int(hmac_sha256(key, strlen(key), data, strlen(data), mac, &error), 0,
               "HMAC-SHA256, RFC 4231 example %zu", i + 1);
        encode_hex(mac, sizeof mac, hex);
        hex[strlen(expected)] = '\0';
        is_string(hex, expected, "is right");
    }
}

static void test_hmac_chain(void)
{
    unsigned char key[SHA256_SIZE], mac[SHA256_SIZE];
    struct error error;
    memset(key, 0x5a, sizeof key);
    is_int(hmac_sha256(key, sizeof key, "data", 4, mac, &error), 0, "HMAC beside its key");
    is_int(hmac_sha256(key, sizeof key, "data", 4, key, &error), 0, "HMAC over its key");
    ok(memcmp(key, mac, sizeof mac) == 0, "is the same");
}

static void test_hmac_key_size(void)
{
    unsigned char mac[SHA256_SIZE];
    struct error error = {0};
    is_int(hmac_sha256("key", SIZE_MAX, "data", 4, mac, &error), -1,
           "a key that OpenSSL can't take is refused");
    is_int(error.class, ERROR_SYSTEM, "as OpenSSL's failure: %s", error.message);
}

int main(void)
{
    test_hex();
    test_base64_examples();
    test_base64_round_trip();
    test_bad_base64();
    test_base64_room();
    test_sha256();
    test_md5();
    test_hmac();
    test_hmac_chain();
    test_hmac_key_size();
    return done_testing();
}
