/* verify/verified.h - what walverify has found whole, remembered from one run to the next.
 * walformat(5) specifies the file.
 *
 * The file is in the order of keys and is read and written beside the listing, so that no more than
 * a line of it is in memory. It is written anew under another name, which is the last step. */
#ifndef VERIFY_VERIFIED_H
#define VERIFY_VERIFIED_H

#include <stdbool.h>
#include <stdint.h>

#include "archive/object.h"

struct error;
struct verified;

struct verified_entry {
    struct object_key key;
    uint64_t size; /* bytes, as stored */
    int64_t time;  /* of the object's last change, as listed; seconds since 1970 UTC */
    bool records;  /* its records were looked at too */
    int64_t when;  /* it was verified; seconds since 1970 UTC */
};

/* Opens the state of the archive at `location`, of the cluster `owner`. A file that is not there is
 * an empty one; one that is damaged too, with a warning. ERROR_USAGE: it is another archive's, or
 * no state of walverify. ERROR_SYSTEM when it can't be read, or a new one not be made. */
struct verified *verified_open(const char *path, const char *location, uint64_t owner,
                               struct error *error);

/* What is remembered of the object; false when nothing. Asked with keys that rise. */
bool verified_find(struct verified *verified, const char *key, struct verified_entry *entry);

/* To be remembered, with keys that rise. */
int verified_add(struct verified *verified, const struct verified_entry *entry,
                 struct error *error);

/* Remembers also what stands behind the key that was asked for last. */
int verified_keep_rest(struct verified *verified, struct error *error);

/* The new state takes the old one's place, durably. */
int verified_commit(struct verified *verified, struct error *error);

void verified_close(struct verified *verified);

#endif
