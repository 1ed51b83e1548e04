/* file.h - files as this project needs them: whole reads and writes, temporary files that a killed
 * program does not leave behind for good, directories made durable.
 *
 * Failures are ERROR_SYSTEM with errno's text unless a function says otherwise, and
 * ERROR_INTERRUPTED when a signal asks to stop (signals.h). `what` names the file in messages.
 */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/error.h"

/* The class of a failed system call on a mounted file system: ERROR_MISSING for what is not there,
 * ERROR_UNREACHABLE when the file system itself is gone (EIO, ESTALE, ...), ERROR_SYSTEM else. */
enum error_class file_error_class(int number);

/* Reads until `size` bytes are there or the file ends; returns how many, or -1. */
ssize_t file_read(int fd, const char *what, void *data, size_t size, struct error *error);

/* Writes all of it. */
int file_write(int fd, const char *what, const void *data, size_t size, struct error *error);

/* Writes all of it at an offset in bytes; the file's position stays. */
int file_write_at(int fd, const char *what, const void *data, size_t size, off_t offset,
                  struct error *error);

/* What was written to the file (or the names in the directory) is on stable storage when this
 * returns 0. */
int file_sync(int fd, const char *what, struct error *error);

/* Makes the directory and those above it that are not there, for their owner alone. Opening it
 * tells whether it could be made. */
void file_make_directories(const char *path);

/* Reads a whole small text file below `directory` (AT_FDCWD: the working directory). More than
 * `limit` bytes is ERROR_CORRUPT, a missing file ERROR_MISSING. */
int file_slurp(int directory, const char *path, size_t limit, struct buf *out, struct error *error);

#endif
