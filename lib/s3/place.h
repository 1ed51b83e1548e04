/* s3/place.h - where a bucket is: the URL that its requests go to. Only for files of this
 * room. */
#ifndef S3_PLACE_H
#define S3_PLACE_H

#include <stdbool.h>

#include "storage/options.h"

struct error;

struct s3_place {
    char *bucket;
    char *region;
    char *origin;            /* "https://host:port" */
    char *host;              /* "host" or "host:port", as the Host header has it */
    char *root;              /* "" or "/bucket" */
    bool is_aws;             /* the endpoint follows from the region */
    bool is_plain, is_local; /* http://; to this machine */
};

/* Owned by the struct; the caller frees it with s3_place_free, also after a failure. `endpoint`
 * NULL means AWS's own for the region. ERROR_USAGE for an endpoint that is no URL, has a path or a
 * user,
 * for http:// to another machine unless plain_http, for a name that no bucket can have. */
int s3_place_make(const char *bucket, const char *region, const char *endpoint, int addressing,
                  bool plain_http, struct s3_place *place, struct error *error);
void s3_place_free(struct s3_place *place);

/* The same bucket in another region: another endpoint on AWS, else only another name to sign for.
 */
int s3_place_move(struct s3_place *place, const char *region, int addressing, struct error *error);

#endif
