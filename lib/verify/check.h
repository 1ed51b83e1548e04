/* verify/check.h - is an object what its name says, and whole? */
#ifndef VERIFY_CHECK_H
#define VERIFY_CHECK_H

#include "archive/archive.h"
#include "wal/record.h"

struct error;

/* What the checks of one process share. Zero-initialise but for the first three. */
struct check {
    struct archive *archive;
    uint64_t owner;       /* system identifier of its cluster; 0: not known */
    uint32_t size;        /* of its segments; 0: not known */
    unsigned char *whole; /* a segment's content, kept for the next */
    size_t room;
};

void check_free(struct check *check);

enum check_reach {
    CHECK_ALL,     /* as far as was asked */
    CHECK_HEADERS, /* of a release whose records can't be read (9.4 and older, or newer than this
                    * program): no more than pages' headers, beside a label's digest */
};

struct check_result {
    uint64_t raw; /* bytes of content */
    enum check_reach reach;
    struct wal_walk walk; /* of a segment whose records were looked at; else all zero */
};

/* Reads the object and checks the stored bytes, the coding, the digest of its label (or the one
 * that a key names), the content against the name, and that it is the archive's cluster's, in
 * segments of its size. A
 * segment without a digest is judged by its records too; any segment is, when `carry` is not NULL:
 * then as wal_record_check_next does it, and when it does not go on from the segment before, the
 * carry that is left is that of the segment alone.
 *
 * ERROR_CORRUPT, ERROR_REFUSED: it is damaged, or not what its name says. ERROR_MISSING: it is not
 * there. Other classes: it could not be asked. */
int check_object(struct check *check, const char *key, struct wal_carry *carry,
                 struct check_result *result, struct error *error);

#endif
