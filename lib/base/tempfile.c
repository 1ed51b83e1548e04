#include "base/tempfile.h"
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    ATTEMPTS = 100,
    /* Where locks don't work at all, only age can tell a left-over; no push takes a day. */
    SURELY_STALE_SECONDS = 24 * 60 * 60,
};

static char *random_name(const char *prefix, struct error *error)
{
    unsigned long long number = 0;
    char *name = NULL;
    if (getrandom(&number, sizeof number, 0) != (ssize_t)sizeof number ||
        asprintf(&name, "%s%016llx", prefix, number) < 0) {
        error_set(error, ERROR_SYSTEM, "can't make a temporary name");
        return NULL;
    }
    return name;
}

/* A sweeper may lock and unlink a new file in the moment before its maker has locked it: then the
 * name is gone and the maker must try again. A file system without locks is no reason to fail. */
static bool still_mine(int fd)
{
    struct stat status;
    if (flock(fd, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK)
        return false;
    return fstat(fd, &status) == 0 && status.st_nlink > 0;
}

int tempfile_create(struct tempfile *file, int directory, const char *prefix, struct error *error)
{
    *file = TEMPFILE_NONE;
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        char *name = random_name(prefix, error);
        if (!name)
            return -1;
        int fd = openat(directory, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0640);
        if (fd < 0 && errno != EEXIST) {
            error_set_errno(error, file_error_class(errno), "can't create temporary file %s", name);
            free(name);
            return -1;
        }
        if (fd >= 0 && still_mine(fd)) {
            *file = (struct tempfile){fd, directory, name};
            return 0;
        }
        if (fd >= 0)
            close(fd);
        free(name);
    }
    return error_set(error, ERROR_SYSTEM,
                     "can't create a temporary file %s...: names keep vanishing", prefix);
}

void tempfile_discard(struct tempfile *file)
{
    if (file->name)
        unlinkat(file->directory, file->name, 0);
    free(file->name);
    if (file->fd >= 0)
        close(file->fd);
    *file = TEMPFILE_NONE;
}

static bool is_stale(int fd)
{
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        return true;
    struct stat status;
    return errno != EWOULDBLOCK && fstat(fd, &status) == 0 &&
           time(NULL) - status.st_mtime > SURELY_STALE_SECONDS;
}

static void sweep_one(int directory, const char *name)
{
    int fd = openat(directory, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return;
    if (is_stale(fd))
        unlinkat(directory, name, 0);
    close(fd);
}

void tempfile_sweep(int directory, const char *prefix)
{
    int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *stream = fd < 0 ? NULL : fdopendir(fd);
    if (!stream) {
        if (fd >= 0)
            close(fd);
        return;
    }
    size_t length = strlen(prefix);
    for (struct dirent *entry; (entry = readdir(stream));)
        if (strncmp(entry->d_name, prefix, length) == 0)
            sweep_one(directory, entry->d_name);
    closedir(stream);
}
