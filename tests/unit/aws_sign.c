/* Signature Version 4, by the examples that AWS has published. */
#include "base/error.h"
#include "crypto/sha256.h"
#include "aws/sign.h"
#include "tap.h"

#include <stdlib.h>

enum { QUERY_MAX = 4, HEADERS_MAX = 8 };

struct example {
    const char *name;
    const char *method;
    const char *path;                        /* not encoded */
    struct aws_parameter query[QUERY_MAX];   /* up to one without a name */
    struct http_header headers[HEADERS_MAX]; /* likewise */
    const char *payload;
    const char *signed_headers;
    const char *signature;
};

struct account {
    const char *access_key, *secret_key, *service;
    time_t time;
    const char *scope;
};

/* ---- S3's documentation, "Signature Calculations for the Authorization Header: Transferring
 * Payload in a Single Chunk" ---- */

static const struct account aws_account = {
    .access_key = "AKIAIOSFODNN7EXAMPLE",
    .secret_key = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    .service = "s3",
    .time = 1369353600,
    .scope = "20130524/us-east-1/s3/aws4_request",
};

#define EMPTY_SHA256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define AWS_HOST "Host", "examplebucket.s3.amazonaws.com"
#define AWS_TIME "x-amz-date", "20130524T000000Z"
#define AWS_EMPTY "x-amz-content-sha256", EMPTY_SHA256

static const struct example aws_examples[] = {
    {"GET Object", "GET", "/test.txt",
     .headers = {{AWS_HOST}, {"Range", "bytes=0-9"}, {AWS_EMPTY}, {AWS_TIME}},
     .signed_headers = "host;range;x-amz-content-sha256;x-amz-date",
     .signature = "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"},
    {"PUT Object", "PUT", "/test$file.text", .payload = "Welcome to Amazon S3.",
     .headers = {{AWS_HOST},
                 {"Date", "Fri, 24 May 2013 00:00:00 GMT"},
                 {AWS_TIME},
                 {"x-amz-storage-class", "REDUCED_REDUNDANCY"},
                 {"x-amz-content-sha256",
                  "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072"}},
     .signed_headers = "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
     .signature = "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"},
    {"GET Bucket Lifecycle", "GET", "/", .query = {{"lifecycle", ""}},
     .headers = {{AWS_HOST}, {AWS_TIME}, {AWS_EMPTY}},
     .signed_headers = "host;x-amz-content-sha256;x-amz-date",
     .signature = "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"},
    {"List Objects", "GET", "/", .query = {{"max-keys", "2"}, {"prefix", "J"}},
     .headers = {{AWS_HOST}, {AWS_TIME}, {AWS_EMPTY}},
     .signed_headers = "host;x-amz-content-sha256;x-amz-date",
     .signature = "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"},
    {"List Objects, parameters in the other order", "GET", "/",
     .query = {{"prefix", "J"}, {"max-keys", "2"}},
     .headers = {{AWS_EMPTY}, {AWS_HOST}, {AWS_TIME}},
     .signed_headers = "host;x-amz-content-sha256;x-amz-date",
     .signature = "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"},
};

/* ---- aws-sig-v4-test-suite, by the names of its directories; "-unnormalized" as in the suite of
 * aws-c-auth, since S3 does not normalize paths ---- */

static const struct account suite_account = {
    .access_key = "AKIDEXAMPLE",
    .secret_key = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
    .service = "service",
    .time = 1440938160,
    .scope = "20150830/us-east-1/service/aws4_request",
};

#define HOST "Host", "example.amazonaws.com"
#define TIME "X-Amz-Date", "20150830T123600Z"
#define HOST_AND_TIME .headers = {{HOST}, {TIME}}, .signed_headers = "host;x-amz-date"
#define UNRESERVED "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define LONG_TOKEN                                                                                 \
    "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSP" \
    "fIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT" \
    "7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlz" \
    "m8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA=="

static const struct example suite_examples[] = {
    {"get-vanilla", "GET", "/", HOST_AND_TIME,
     .signature = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
    {"get-vanilla-empty-query-key", "GET", "/", .query = {{"Param1", "value1"}}, HOST_AND_TIME,
     .signature = "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb"},
    {"get-vanilla-query-order-encoded", "GET", "/",
     .query = {{"Param-3", "Value3"}, {"Param", "Value2"}, {"\u1234", "Value1"}}, HOST_AND_TIME,
     .signature = "371d3713e185cc334048618a97f809c9ffe339c62934c032af5a0e595648fcac"},
    {"get-vanilla-query-order-key", "GET", "/",
     .query = {{"Param1", "value2"}, {"Param1", "Value1"}}, HOST_AND_TIME,
     .signature = "eedbc4e291e521cf13422ffca22be7d2eb8146eecf653089df300a15b2382bd1"},
    {"get-vanilla-query-order-key-case", "GET", "/",
     .query = {{"Param2", "value2"}, {"Param1", "value1"}}, HOST_AND_TIME,
     .signature = "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
    {"get-vanilla-query-order-value", "GET", "/",
     .query = {{"Param1", "value2"}, {"Param1", "value1"}}, HOST_AND_TIME,
     .signature = "5772eed61e12b33fae39ee5e7012498b51d56abc0abb7c60486157bd471c4694"},
    {"get-vanilla-query-unreserved", "GET", "/", .query = {{UNRESERVED, UNRESERVED}}, HOST_AND_TIME,
     .signature = "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197"},
    {"get-vanilla-utf8-query", "GET", "/", .query = {{"\u1234", "bar"}}, HOST_AND_TIME,
     .signature = "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04"},
    {"get-unreserved", "GET", "/" UNRESERVED, HOST_AND_TIME,
     .signature = "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f"},
    {"get-utf8", "GET", "/\u1234", HOST_AND_TIME,
     .signature = "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"},
    {"get-space", "GET", "/example space/", HOST_AND_TIME,
     .signature = "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741"},
    {"get-special-character", "GET", "/example/$delete", HOST_AND_TIME,
     .signature = "a853c9b21b528b19643d00910d35b83a10c366a10833ceefb45edd6c80e40f27"},
    {"get-slashes-unnormalized", "GET", "//example//", HOST_AND_TIME,
     .signature = "87cca117541a147f6df867677d98a7d80dff226d2bfca9e4ffa899665623c7e5"},
    {"get-relative-relative-unnormalized", "GET", "/example1/example2/../..", HOST_AND_TIME,
     .signature = "dc33e0856fd4baca4d7aa2146c38958283844764f38c74252a333df5e613003b"},
    {"get-header-key-duplicate", "GET", "/",
     .headers = {{HOST},
                 {"My-Header1", "value2"},
                 {"My-Header1", "value2"},
                 {"My-Header1", "value1"},
                 {TIME}},
     .signed_headers = "host;my-header1;x-amz-date",
     .signature = "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea"},
    {"get-header-value-order", "GET", "/",
     .headers = {{HOST},
                 {"My-Header1", "value4"},
                 {"My-Header1", "value1"},
                 {"My-Header1", "value3"},
                 {"My-Header1", "value2"},
                 {TIME}},
     .signed_headers = "host;my-header1;x-amz-date",
     .signature = "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01"},
    {"get-header-value-trim", "GET", "/",
     .headers = {{HOST}, {"My-Header1", " value1"}, {"My-Header2", " \"a   b   c\""}, {TIME}},
     .signed_headers = "host;my-header1;my-header2;x-amz-date",
     .signature = "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"},
    {"get-header-value-trim, with spaces behind", "GET", "/",
     .headers = {{HOST}, {"My-Header1", "  value1  "}, {"My-Header2", "\"a   b   c\" "}, {TIME}},
     .signed_headers = "host;my-header1;my-header2;x-amz-date",
     .signature = "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"},
    {"get-vanilla-with-session-token", "GET", "/",
     .headers = {{HOST},
                 {TIME},
                 {"X-Amz-Security-Token",
                  "6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267"}},
     .signed_headers = "host;x-amz-date;x-amz-security-token",
     .signature = "07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8"},
    {"post-vanilla", "POST", "/", HOST_AND_TIME,
     .signature = "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
    {"post-vanilla-query", "POST", "/", .query = {{"Param1", "value1"}}, HOST_AND_TIME,
     .signature = "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11"},
    {"post-header-key-sort", "POST", "/", .headers = {{TIME}, {"My-Header1", "value1"}, {HOST}},
     .signed_headers = "host;my-header1;x-amz-date",
     .signature = "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c"},
    {"post-header-value-case", "POST", "/", .headers = {{HOST}, {"My-Header1", "VALUE1"}, {TIME}},
     .signed_headers = "host;my-header1;x-amz-date",
     .signature = "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d"},
    {"post-sts-header-before", "POST", "/",
     .headers = {{HOST}, {TIME}, {"X-Amz-Security-Token", LONG_TOKEN}},
     .signed_headers = "host;x-amz-date;x-amz-security-token",
     .signature = "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead"},
    {"post-x-www-form-urlencoded", "POST", "/", .payload = "Param1=value1",
     .headers = {{"Content-Type", "application/x-www-form-urlencoded"}, {HOST}, {TIME}},
     .signed_headers = "content-type;host;x-amz-date",
     .signature = "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"},
    {"post-x-www-form-urlencoded-parameters", "POST", "/", .payload = "Param1=value1",
     .headers = {{"Content-Type", "application/x-www-form-urlencoded; charset=utf8"},
                 {HOST},
                 {TIME}},
     .signed_headers = "content-type;host;x-amz-date",
     .signature = "1a72ec8f64bd914b0e42e42607c7fbce7fb2c7465f63e3092b3b0d39fa77a6fe"},
};

/* What the example's Authorization header must be. */
static void expect(const struct account *account, const struct example *example, struct buf *out)
{
    struct error error;
    if (buf_printf(out, &error, "AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s",
                   account->access_key, account->scope, example->signed_headers,
                   example->signature))
        abort();
}

static void test_example(const struct account *account, const struct example *example)
{
    struct error error = {0};
    struct buf path = {0}, got = {0}, expected = {0};
    char payload_sha256[SHA256_HEX_SIZE + 1];
    const char *payload = example->payload ? example->payload : "";
    if (sha256_hex(payload, strlen(payload), payload_sha256, &error) ||
        aws_encode_path(example->path, &path, &error))
        abort();
    struct aws_signing signing = {.access_key = account->access_key,
                                  .secret_key = account->secret_key,
                                  .region = "us-east-1",
                                  .service = account->service,
                                  .time = account->time,
                                  .method = example->method,
                                  .path = path.data,
                                  .query = example->query,
                                  .headers = example->headers,
                                  .payload_sha256 = payload_sha256};
    while (example->query[signing.query_count].name)
        signing.query_count++;
    while (example->headers[signing.header_count].name)
        signing.header_count++;
    is_int(aws_sign(&signing, &got, &error), 0, "%s: signed", example->name);
    expect(account, example, &expected);
    is_string(got.data, expected.data, "%s: the right signature", example->name);
    buf_free(&path);
    buf_free(&got);
    buf_free(&expected);
}

static void test_examples(void)
{
    for (size_t i = 0; i < sizeof aws_examples / sizeof aws_examples[0]; i++)
        test_example(&aws_account, &aws_examples[i]);
    for (size_t i = 0; i < sizeof suite_examples / sizeof suite_examples[0]; i++)
        test_example(&suite_account, &suite_examples[i]);
}

/* Nobody has published one where a name begins with another; this signature is botocore's. */
static void test_names_that_begin_alike(void)
{
    static const struct example example = {
        "names that begin alike",
        "PUT",
        "/key",
        .headers = {{"x-amz-meta-ab", "3"},
                    {"x-amz-meta-a-b", "2"},
                    {AWS_TIME},
                    {"X-Amz-Meta-A", "1"},
                    {"x-amz-meta-a_b", "4"},
                    {AWS_EMPTY},
                    {AWS_HOST}},
        .signed_headers = "host;x-amz-content-sha256;x-amz-date;x-amz-meta-a;x-amz-meta-a-b;"
                          "x-amz-meta-a_b;x-amz-meta-ab",
        .signature = "750b3dfd633f3141cd581fe01230342068dc387f021ad6ae913173fc11defad3"};
    test_example(&aws_account, &example);
}

static void test_append(void)
{
    static const struct http_header headers[] = {{HOST}, {TIME}};
    struct aws_signing signing = {.access_key = "key",
                                  .secret_key = "secret",
                                  .region = "us-east-1",
                                  .service = "s3",
                                  .time = 1440938160,
                                  .method = "GET",
                                  .path = "/",
                                  .headers = headers,
                                  .header_count = 2,
                                  .payload_sha256 = EMPTY_SHA256};
    static const char begin[] =
        "Authorization: AWS4-HMAC-SHA256 Credential=key/20150830/us-east-1/s3/aws4_request, ";
    struct error error = {0};
    struct buf line = {0};
    buf_printf(&line, &error, "Authorization: ");
    is_int(aws_sign(&signing, &line, &error), 0, "signed behind other text");
    ok(strncmp(line.data, begin, strlen(begin)) == 0, "it is appended");
    ok(!strstr(line.data, "secret"), "and does not tell the secret");
    buf_free(&line);
}

static void test_date(void)
{
    static const struct {
        time_t time;
        const char *text;
    } dates[] = {
        {0, "19700101T000000Z"},
        {1369353600, "20130524T000000Z"},
        {1440938160, "20150830T123600Z"},
        {1709251199, "20240229T235959Z"},
        {253402300799, "99991231T235959Z"},
        {253402300800, ""},
        {INT64_MAX, ""},
    };
    /* No zone may shine through. */
    setenv("TZ", "XYZ-13", 1);
    tzset();
    for (size_t i = 0; i < sizeof dates / sizeof dates[0]; i++) {
        char text[AWS_DATE_SIZE + 1];
        aws_date(dates[i].time, text);
        is_string(text, dates[i].text, "%jd is \"%s\"", (intmax_t)dates[i].time, dates[i].text);
    }
}

static void test_encode(void)
{
    static const struct {
        const char *text, *encoded, *path;
    } texts[] = {
        {"", "", ""},
        {UNRESERVED, UNRESERVED, UNRESERVED},
        {"a b", "a%20b", "a%20b"},
        {"a+b", "a%2Bb", "a%2Bb"},
        {"a%b", "a%25b", "a%25b"},
        {"a%20b", "a%2520b", "a%2520b"},
        {"a&b=c", "a%26b%3Dc", "a%26b%3Dc"},
        {"a?b#c", "a%3Fb%23c", "a%3Fb%23c"},
        {"~", "~", "~"},
        {"\"'`", "%22%27%60", "%22%27%60"},
        {"!*()", "%21%2A%28%29", "%21%2A%28%29"},
        {"$,:;@[]", "%24%2C%3A%3B%40%5B%5D", "%24%2C%3A%3B%40%5B%5D"},
        {"<>\\^{|}", "%3C%3E%5C%5E%7B%7C%7D", "%3C%3E%5C%5E%7B%7C%7D"},
        {"\x01\t\n\x7f", "%01%09%0A%7F", "%01%09%0A%7F"},
        {"\u00e9\u1234\U0001F418", "%C3%A9%E1%88%B4%F0%9F%90%98", "%C3%A9%E1%88%B4%F0%9F%90%98"},
        {"\xff\x80", "%FF%80", "%FF%80"},
        {"/a//b/../c/", "%2Fa%2F%2Fb%2F..%2Fc%2F", "/a//b/../c/"},
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct error error = {0};
        struct buf encoded = {0}, path = {0};
        buf_reserve(&encoded, 0, &error);
        buf_reserve(&path, 0, &error);
        is_int(aws_encode(texts[i].text, &encoded, &error), 0, "encode text %zu", i + 1);
        is_string(encoded.data, texts[i].encoded, "\"%s\"", texts[i].encoded);
        is_int(aws_encode_path(texts[i].text, &path, &error), 0, "the same as a path");
        is_string(path.data, texts[i].path, "\"%s\"", texts[i].path);
        buf_free(&encoded);
        buf_free(&path);
    }
}

static void is_query(const struct aws_parameter *query, size_t count, const char *expected)
{
    struct error error = {0};
    struct buf out = {0};
    buf_printf(&out, &error, "/?");
    is_int(aws_encode_query(query, count, &out, &error), 0, "a query with %zu parameters", count);
    is_string(out.data + 2, expected, "is \"%s\"", expected);
    buf_free(&out);
}

/* In the order of what is sent: '%' is before all that is not encoded, '=' plays no part. */
static void test_query_order(void)
{
    static const struct aws_parameter names[] = {
        {"~", "1"}, {"a", "2"}, {"a-b", "3"}, {"a b", "4"},     {"A", "5"},      {"ab", "6"},
        {"_", "7"}, {"0", "8"}, {"+", "9"},   {"\u00e9", "10"}, {"a\xff", "11"}, {"", "12"},
    };
    static const struct aws_parameter values[] = {
        {"p", "b"}, {"p", ""}, {"p", "a/b"}, {"p", "a"}, {"p", "a&b"}, {"p", "B"}, {"p", "a"},
    };
    is_query(names, sizeof names / sizeof names[0],
             "=12&%2B=9&%C3%A9=10&0=8&A=5&_=7&a=2&a%20b=4&a%FF=11&a-b=3&ab=6&~=1");
    is_query(values, sizeof values / sizeof values[0], "p=&p=B&p=a&p=a&p=a%26b&p=a%2Fb&p=b");
    is_query(NULL, 0, "");
}

int main(void)
{
    test_examples();
    test_names_that_begin_alike();
    test_append();
    test_date();
    test_encode();
    test_query_order();
    return done_testing();
}
