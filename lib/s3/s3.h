/* s3/s3.h - a bucket as storage, as its files see it. Only for files of this room.
 *
 * An object is one PUT, and an upload that is larger than a part a multipart upload; both are
 * complete or not there. What makes them create-only is s3_conditions.h. */
#ifndef S3_H
#define S3_H

#include "storage/backend.h"
#include "s3/conditions.h"
#include "s3/request.h"

struct s3_storage {
    struct storage storage;
    struct storage_options options; /* texts borrowed */
    struct s3_client *client;
    char *prefix; /* of every key: "" or ending in '/' */
    char *scope;  /* what notes are of: the place as it was given, whatever the server says of it */
    struct s3_conditions conditions;
    char *customer_key;     /* SSE-C, base64; NULL: none */
    char *customer_key_md5; /* base64 */
};

/* The whole key of an object in the bucket; the caller frees it. NULL without memory. */
char *s3_key(const struct s3_storage *s3, const char *key, struct error *error);

/* Headers of one call. */
struct s3_headers {
    struct http_header list[S3_HEADERS_MAX];
    size_t count;
};

void s3_add(struct s3_headers *headers, const char *name, const char *value);

/* Those that reading an object needs (SSE-C), and those that making one needs besides (storage
 * class, encryption, tags). */
void s3_add_reading(const struct s3_storage *s3, struct s3_headers *headers);
void s3_add_making(const struct s3_storage *s3, struct s3_headers *headers);

/* 1 when the key is there, 0 when it is not, -1. By reading one byte of it: the answer to a HEAD
 * has no body that would tell a missing key from anything else that is not found. */
int s3_exists(struct s3_storage *s3, const char *key, struct error *error);

/* Asks for an object: "HEAD" or "GET"; `range` is the value of a Range header or NULL, `etag` that
 * of If-Match or NULL. NULL on failure, with the key before the message. */
struct http_exchange *s3_ask(struct s3_storage *s3, const char *method, const char *key,
                             const char *range, const char *etag, struct error *error);

/* The Content-Length; false when there is none. */
bool s3_read_size(const struct http_exchange *exchange, uint64_t *size);

/* An answer of an S3 server to a request for an object has an ETag; that of a proxy which wants
 * to be logged in to, or of any other server, has none. */
int s3_check_etag(const struct http_exchange *exchange, struct error *error);

/* What storage.h says, in upload.c, download.c, list.c and remove.c. */
struct storage_upload *s3_upload(struct storage *storage, const char *key, size_t head_size,
                                 struct error *error);
int s3_upload_write(struct storage_upload *upload, const void *data, size_t size,
                    struct error *error);
int s3_upload_commit(struct storage_upload *upload, const struct storage_commit *commit,
                     struct error *error);
void s3_upload_close(struct storage_upload *upload);
struct storage_download *s3_download(struct storage *storage, const char *key, struct error *error);
ssize_t s3_download_read(struct storage_download *download, void *data, size_t size,
                         struct error *error);
void s3_download_close(struct storage_download *download);
int s3_list(struct storage *storage, const struct storage_query *query, storage_visit *visit,
            void *context, struct error *error);
int s3_remove(struct storage *storage, const char *const *keys, size_t count,
              storage_failed *failed, void *context, struct error *error);

#endif
