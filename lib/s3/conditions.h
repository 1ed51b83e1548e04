/* s3/conditions.h - does this server keep its word when a write is to be create-only? Only
 * for files of this room.
 *
 * "If-None-Match: *" on PutObject and CompleteMultipartUpload is honoured by AWS, R2 and others;
 * some servers ignore it and overwrite, some refuse it, and some do one for objects and another for
 * multipart uploads or in buckets with versioning. It is found out with an object made for it,
 * .waltools/probe, which always has the same content. Where the condition is not honoured, the
 * name is looked for first (a GET of one byte): another writer can then get in between. */
#ifndef S3_CONDITIONS_H
#define S3_CONDITIONS_H

#include "base/buf.h"
#include "storage/storage.h"

struct error;
struct s3_storage;
struct s3_made;

enum s3_honoured { S3_UNKNOWN, S3_HONOURED, S3_NOT_HONOURED };

struct s3_conditions {
    enum s3_honoured put;
    enum s3_honoured complete;
    bool versioned; /* the bucket has versioning; some servers then forget conditions */
    enum s3_honoured put_told, complete_told; /* what the user has been warned of */
};

/* What is known, finding it out first when it is not. Says once, as a warning, what can't be
 * promised. */
int s3_conditions_put(struct s3_storage *s3, enum s3_honoured *honoured, struct error *error);
int s3_conditions_complete(struct s3_storage *s3, enum s3_honoured *honoured, struct error *error);

/* Looks at what was said of an object that was made create-only: when versioning has been switched
 * on since the server was tried, what is known is worth nothing, and is found out anew when it is
 * asked for. */
void s3_conditions_watch(struct s3_storage *s3, const struct s3_made *made);

/* What is known, as lines "key=value", and back. */
int s3_conditions_write(const struct s3_conditions *conditions, struct buf *notes,
                        struct error *error);
void s3_conditions_read(struct s3_conditions *conditions, const char *notes,
                        enum storage_belief belief);

#endif
