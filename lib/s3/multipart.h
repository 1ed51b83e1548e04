/* s3/multipart.h - one multipart upload. Only for files of this room. AWS, "Uploading and
 * copying objects using multipart upload". */
#ifndef S3_MULTIPART_H
#define S3_MULTIPART_H

#include <stddef.h>

#include "s3/conditions.h"

struct error;
struct s3_multipart;

enum { S3_PARTS_MAX = 10000 };

/* Begins it, after having aborted what killed pushes have left: uploads that were begun more than a
 * day ago, beside this one, under a key that differs in digits only. NULL on failure.
 * s3_multipart_close aborts it unless it was completed; NULL is allowed. */
struct s3_multipart *s3_multipart_open(struct s3_storage *s3, const char *key, struct error *error);
void s3_multipart_close(struct s3_multipart *multipart);

/* Sends a part; numbers begin at 1, in any order, all but the last part at least 5 MiB long. */
int s3_multipart_part(struct s3_multipart *multipart, unsigned number, const void *data,
                      size_t size, struct error *error);

/* Makes the object of parts 1 to the highest. With S3_HONOURED only if the key is not there:
 * ERROR_EXISTS. That is also the answer when the object is there though the server no longer knows
 * the upload: the answer to its completion may have been lost. Without it the caller looks first;
 * before a second attempt it is looked here. */
int s3_multipart_complete(struct s3_multipart *multipart, enum s3_honoured honoured,
                          struct error *error);

#endif
