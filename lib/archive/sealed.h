/* archive/sealed.h - small texts of ours in an archive: lines "key=value", of which the first tells
 * what it is and in which version, and the last is the CRC-32C of the others. walformat(5)
 * specifies them.
 */
#ifndef ARCHIVE_SEALED_H
#define ARCHIVE_SEALED_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "storage/storage.h"

struct error;

enum { SEALED_MAX = 4096 /* bytes */ };

struct sealed {
    size_t length;
    char text[SEALED_MAX + 1]; /* with a zero byte behind it */
};

/* Appends the last line to a text that has all others. */
int sealed_close(struct buf *text, struct error *error);

/* Reads the object; one that is longer than SEALED_MAX is cut off there. ERROR_MISSING, or as
 * storage_download. */
int sealed_read(struct storage *storage, const char *key, struct sealed *sealed,
                struct error *error);

/* Is it whole, and does its first line say `title` ("waltools-archive=") and `version` ("1\n")? */
enum sealed_state { SEALED_WHOLE, SEALED_DAMAGED, SEALED_LATER /* whole, of another version */ };
enum sealed_state sealed_check(const struct sealed *sealed, const char *title, const char *version);

/* The value of the first line that has this key. False when there is none, or none of at most
 * size - 1 bytes. */
bool sealed_value(const struct sealed *sealed, const char *key, char *value, size_t size);

#endif
