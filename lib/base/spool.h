/* spool.h - a private directory on this machine for files on their way, for a program that works on
 * files or processes that hand them on. In TMPDIR, or /tmp; locked (flock(2)) for as long as its
 * maker lives, so that a later one removes what a killed maker left. */
#ifndef BASE_SPOOL_H
#define BASE_SPOOL_H

#include <sys/types.h>

struct error;

struct spool {
    char *path; /* NULL: none */
    int fd;     /* of the directory */
};

#define SPOOL_NONE ((struct spool){.fd = -1})

/* Makes one. ERROR_SYSTEM. */
int spool_open(struct spool *spool, struct error *error);

/* Removes it with all that is in it. Also right for SPOOL_NONE. */
void spool_close(struct spool *spool);

/* Makes a directory in it, with those on the way, unless it is there. */
int spool_make(struct spool *spool, const char *name, struct error *error);

/* Removes a file or directory in it with all below. */
void spool_remove(struct spool *spool, const char *name);

/* Makes a file in it, with the directories on the way, for reading and writing; it must not be
 * there. Returns a descriptor, or -1 with ERROR_SYSTEM. */
int spool_create(struct spool *spool, const char *name, struct error *error);

#endif
