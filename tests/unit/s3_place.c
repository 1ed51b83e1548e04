/* From bucket, region and endpoint to a URL; what is refused. */
#include "base/error.h"
#include "s3/place.h"
#include "tap.h"

static const struct {
    const char *bucket, *region, *endpoint;
    int addressing;
    const char *origin, *host, *root;
} good[] = {
    {"wal", "eu-west-1", NULL, S3_ADDRESSING_AUTO, "https://wal.s3.eu-west-1.amazonaws.com",
     "wal.s3.eu-west-1.amazonaws.com", ""},
    {"wal.db.example", "eu-west-1", NULL, S3_ADDRESSING_AUTO, "https://s3.eu-west-1.amazonaws.com",
     "s3.eu-west-1.amazonaws.com", "/wal.db.example"},
    {"wal", "cn-north-1", NULL, S3_ADDRESSING_PATH, "https://s3.cn-north-1.amazonaws.com.cn",
     "s3.cn-north-1.amazonaws.com.cn", "/wal"},
    {"wal", "us-east-1", "https://minio.example:9000", S3_ADDRESSING_AUTO,
     "https://minio.example:9000", "minio.example:9000", "/wal"},
    {"wal", "us-east-1", "https://minio.example:9000/", S3_ADDRESSING_VIRTUAL,
     "https://wal.minio.example:9000", "wal.minio.example:9000", ""},
    {"wal", "us-east-1", "http://127.0.0.1:9000", S3_ADDRESSING_AUTO, "http://127.0.0.1:9000",
     "127.0.0.1:9000", "/wal"},
    {"wal", "us-east-1", "http://[::1]:9000", S3_ADDRESSING_AUTO, "http://[::1]:9000", "[::1]:9000",
     "/wal"},
    {"wal", "us-east-1", "http://localhost", S3_ADDRESSING_AUTO, "http://localhost", "localhost",
     "/wal"},
    {"wal", "us-east-1", "http://localhost/", S3_ADDRESSING_AUTO, "http://localhost", "localhost",
     "/wal"},
    {"wal", "us-east-1", "http://127.0.0.1/", S3_ADDRESSING_AUTO, "http://127.0.0.1", "127.0.0.1",
     "/wal"},
    {"wal", "us-east-1", "https://minio.example:65535/", S3_ADDRESSING_AUTO,
     "https://minio.example:65535", "minio.example:65535", "/wal"},
};

static const struct {
    const char *bucket, *region, *endpoint, *why;
} bad[] = {
    {"wal", "us-east-1", "http://minio.example:9000", "not encrypted"},
    {"wal", "us-east-1", "http://127.0.0.1.example", "not encrypted"},
    {"wal", "us-east-1", "http://localhost.example", "not encrypted"},
    {"wal", "us-east-1", "https://user:hush@minio.example", "must not hold a user"},
    {"wal", "us-east-1", "user:hush@minio.example", "must not hold a user"},
    {"wal", "us-east-1", "https://minio.example:0", "no URL of a server"},
    {"wal", "us-east-1", "https://minio.example:65536", "no URL of a server"},
    {"wal", "us-east-1", "https://minio.example:x", "no URL of a server"},
    {"wal", "us-east-1", "https://minio.example:", "no URL of a server"},
    {"wal", "us-east-1", "https://[::1]:65536", "no URL of a server"},
    {"wal", "us-east-1", "https://minio.example/path", "no URL of a server"},
    {"wal", "us-east-1", "https://minio.example?x", "no URL of a server"},
    {"wal", "us-east-1", "https://", "no URL of a server"},
    {"wal", "us-east-1", "minio.example", "no URL of a server"},
    {"wal", "us-east-1", "ftp://minio.example", "no URL of a server"},
    {"wa", "us-east-1", NULL, "no name of a bucket"},
    {"wal/../x", "us-east-1", NULL, "no name of a bucket"},
    {"wal@evil", "us-east-1", NULL, "no name of a bucket"},
    {"-wal", "us-east-1", NULL, "no name of a bucket"},
    {"wal..x", "us-east-1", NULL, "no name of a bucket"},
    {"wal", "us east", NULL, "no name of a region"},
    {"wal", "evil.example/", NULL, "no name of a region"},
    {"wal", "", NULL, "no name of a region"},
};

static void test_good(void)
{
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct s3_place place;
        struct error error = {.class = ERROR_NONE};
        is_int(s3_place_make(good[i].bucket, good[i].region, good[i].endpoint, good[i].addressing,
                             false, &place, &error),
               0, "bucket %s at %s", good[i].bucket, good[i].endpoint ? good[i].endpoint : "AWS");
        is_string(place.origin, good[i].origin, "origin");
        is_string(place.host, good[i].host, "host");
        is_string(place.root, good[i].root, "root");
        is_int(place.is_plain, strncmp(good[i].origin, "http:", 5) == 0, "is it encrypted");
        s3_place_free(&place);
    }
}

static void test_bad(void)
{
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct s3_place place;
        struct error error = {.class = ERROR_NONE};
        is_int(s3_place_make(bad[i].bucket, bad[i].region, bad[i].endpoint, S3_ADDRESSING_AUTO,
                             false, &place, &error),
               -1, "bucket %s, region %s, endpoint %s", bad[i].bucket, bad[i].region,
               bad[i].endpoint ? bad[i].endpoint : "AWS");
        is_int(error.class, ERROR_USAGE, "is a wrong setting");
        ok(strstr(error.message, bad[i].why) != NULL, "and the message says: %s", bad[i].why);
        ok(!strstr(error.message, "hush"), "and no password");
        s3_place_free(&place);
    }
}

static void test_move(void)
{
    struct s3_place place;
    struct error error;
    is_int(s3_place_make("wal", "us-east-1", NULL, S3_ADDRESSING_AUTO, false, &place, &error), 0,
           "a bucket on AWS");
    is_int(s3_place_move(&place, "eu-west-1", S3_ADDRESSING_AUTO, &error), 0, "moves");
    is_string(place.origin, "https://wal.s3.eu-west-1.amazonaws.com", "to the region's endpoint");
    is_int(s3_place_move(&place, "x.evil.example/", S3_ADDRESSING_AUTO, &error), -1,
           "a region that would be another host is refused");
    is_string(place.origin, "https://wal.s3.eu-west-1.amazonaws.com", "and changes nothing");
    s3_place_free(&place);
    is_int(s3_place_make("wal", "us-east-1", "https://ceph.example", S3_ADDRESSING_AUTO, false,
                         &place, &error),
           0, "a bucket elsewhere");
    is_int(s3_place_move(&place, "eu-west-1", S3_ADDRESSING_AUTO, &error), 0, "moves");
    is_string(place.origin, "https://ceph.example", "but never to another host");
    is_string(place.region, "eu-west-1", "only in what is signed");
    s3_place_free(&place);
}

int main(void)
{
    test_good();
    test_bad();
    test_move();
    return done_testing();
}
