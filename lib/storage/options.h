/* storage/options.h - what a user can say about the storages that are not directories. Everything
 * is borrowed for as long as the storage is open. */
#ifndef STORAGE_OPTIONS_H
#define STORAGE_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

enum s3_addressing {
    S3_ADDRESSING_AUTO,    /* virtual on AWS unless the bucket's name has dots, else path */
    S3_ADDRESSING_PATH,    /* https://endpoint/bucket/key */
    S3_ADDRESSING_VIRTUAL, /* https://bucket.endpoint/key */
};

enum s3_encryption { S3_ENCRYPTION_NONE, S3_ENCRYPTION_AES256, S3_ENCRYPTION_KMS };

/* NULL (or 0) for what was not set. */
struct s3_options {
    const char *endpoint; /* URL without path */
    const char *region;
    int addressing; /* enum s3_addressing */
    const char *ca_file;
    const char *profile;
    const char *access_key; /* these two together; else they are looked for as AWS's tools do */
    const char *secret_key;
    const char *storage_class;
    int encryption;                /* enum s3_encryption: by the server, with a key that it keeps */
    const char *kms_key;           /* its id */
    const char *customer_key_file; /* SSE-C: 32 bytes, or their base64 */
    const char *tags;              /* "key=value&key=value", encoded as in a URL */
    bool requester_pays;
    bool plain_http;    /* also to other machines */
    uint64_t part_size; /* bytes; a larger object goes up in parts */
};

struct rsync_options {
    const char *program; /* rsync here, and there */
    const char *remote_program;
    const char *rsh;           /* ssh, or its path with arguments, separated by blanks */
    uint64_t ssh_port;         /* 0: as ssh_config says */
    const char *ssh_identity;  /* absolute path; NULL: as ssh_config says */
    bool ssh_sharing;          /* one connection for commands that follow each other */
    bool shell;                /* the account over there may run scripts */
    const char *password_file; /* of a daemon: absolute path */
    const char *password;
    bool read_back; /* from a daemon, what was written */
};

struct storage_options {
    uint64_t timeout;    /* milliseconds that a remote storage may stay silent or out of reach */
    uint64_t limit_rate; /* bytes per second; 0: no limit */
    uint64_t retries;    /* of a request */
    struct s3_options s3;
    struct rsync_options rsync;
};

#endif
