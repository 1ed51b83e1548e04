/* tempfile.h - a file that gets its final name only when it is complete.
 *
 * Named PREFIX followed by random digits, created for its owner and group, locked (flock(2)) for as
 * long as its maker lives. What a killed maker left is not locked, so a later run can tell it from
 * one that is still being written.
 */
#ifndef BASE_TEMPFILE_H
#define BASE_TEMPFILE_H

struct error;

struct tempfile {
    int fd;        /* -1: none */
    int directory; /* borrowed descriptor of the directory that holds it */
    char *name;    /* NULL once it has been moved to its final name or discarded */
};

#define TEMPFILE_NONE ((struct tempfile){.fd = -1, .directory = -1})

/* Makes a new one, open for reading and writing. Classes as in file.h. */
int tempfile_create(struct tempfile *file, int directory, const char *prefix, struct error *error);

/* Unlinks it unless it has been moved, closes it. Also right for TEMPFILE_NONE. */
void tempfile_discard(struct tempfile *file);

/* Removes those whose maker is gone. Never fails: what can't be removed now is left for later. */
void tempfile_sweep(int directory, const char *prefix);

#endif
