/* archive/existing.h - what the archive has under a name already, and whether it is the same. */
#ifndef ARCHIVE_EXISTING_H
#define ARCHIVE_EXISTING_H

#include "archive/archive.h"
#include "archive/object.h"
#include "codec/label.h"

struct error;

/* The objects that have the name, each in another coding or, in other tools' archives, with other
 * content. */
struct existing {
    struct object_key keys[CODEC_MAX];
    size_t count;
};

/* Looks for the name in every coding: one by one where a look is cheap, else in one request. */
int existing_find(struct archive *archive, const struct wal_name *name, struct existing *existing,
                  struct error *error);

/* What an object holds. */
struct existing_content {
    uint64_t size;                      /* of the content, bytes */
    char sha256[LABEL_SHA256_SIZE + 1]; /* lower-case hex */
    char time[LABEL_TIME_SIZE + 1];     /* of the push, ISO 8601; "" without a label */
};

/* Tells what the object with this key holds, which should be the file `name`: by the label where
 * there is one, else by reading all of it. ERROR_MISSING, ERROR_CORRUPT, ERROR_REFUSED. */
int existing_describe(struct archive *archive, const char *key, const struct wal_name *name,
                      struct existing_content *content, struct error *error);

/* Is what the archive has under the name, in every coding in which it has it, `size` bytes with
 * this SHA-256 (hex)? By the label where there is one, else by reading the object. 0: the same, and
 * as durable as if it had been pushed just now; *key is one of them. -1: ERROR_REFUSED for other
 * content, with a message that tells both sides apart; ERROR_CORRUPT when an object is damaged;
 * ERROR_MISSING when the name is not there. */
int existing_compare(struct archive *archive, const struct wal_name *name, uint64_t size,
                     const char *sha256, struct object_key *key, struct error *error);

#endif
