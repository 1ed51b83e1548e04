#include "base/spool.h"
#include "base/error.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const char prefix[] = "waltools-spool-";

/* Between mkdtemp and the lock a directory looks abandoned. */
enum { YOUNG_SECONDS = 60 };

enum { OPEN_DIRECTORY = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC };

/* ---- removing ---- */

static void empty(int directory);

static void remove_entry(int directory, const char *name)
{
    if (unlinkat(directory, name, 0) == 0 || (errno != EISDIR && errno != EPERM))
        return;
    int fd = openat(directory, name, OPEN_DIRECTORY);
    if (fd < 0)
        return;
    empty(fd);
    close(fd);
    unlinkat(directory, name, AT_REMOVEDIR);
}

static DIR *open_list(int directory)
{
    int fd = openat(directory, ".", OPEN_DIRECTORY);
    DIR *list = fd < 0 ? NULL : fdopendir(fd);
    if (fd >= 0 && !list)
        close(fd);
    return list;
}

/* As deep as keys are: a few levels. */
static void empty(int directory)
{
    DIR *list = open_list(directory);
    if (!list)
        return;
    for (struct dirent *entry; (entry = readdir(list));)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            remove_entry(directory, entry->d_name);
    closedir(list);
}

static bool is_abandoned(int fd)
{
    struct stat status;
    return fstat(fd, &status) == 0 && status.st_uid == geteuid() &&
           status.st_mtime + YOUNG_SECONDS < time(NULL) && flock(fd, LOCK_EX | LOCK_NB) == 0;
}

static void sweep(const char *parent)
{
    int directory = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *list = directory < 0 ? NULL : open_list(directory);
    for (struct dirent *entry; list && (entry = readdir(list));) {
        if (strncmp(entry->d_name, prefix, sizeof prefix - 1) != 0)
            continue;
        int fd = openat(directory, entry->d_name, OPEN_DIRECTORY);
        if (fd >= 0 && is_abandoned(fd))
            remove_entry(directory, entry->d_name);
        if (fd >= 0)
            close(fd);
    }
    if (list)
        closedir(list);
    if (directory >= 0)
        close(directory);
}

/* ---- making ---- */

/* Without "." in it, which means something to rsync --relative. The caller frees it. */
static char *find_parent(void)
{
    const char *parent = getenv("TMPDIR");
    return realpath(parent && *parent == '/' ? parent : "/tmp", NULL);
}

static int make_spool(struct spool *spool, const char *parent, struct error *error)
{
    if (asprintf(&spool->path, "%s/%sXXXXXX", parent, prefix) < 0) {
        spool->path = NULL;
        return error_memory(error);
    }
    if (mkdtemp(spool->path))
        return 0;
    error_set_errno(error, ERROR_SYSTEM, "can't make a directory for temporary files in %s",
                    parent);
    free(spool->path);
    spool->path = NULL;
    return -1;
}

int spool_open(struct spool *spool, struct error *error)
{
    char *parent = find_parent();
    if (!parent)
        return error_set_errno(error, ERROR_SYSTEM, "can't find TMPDIR, or /tmp");
    sweep(parent);
    int result = make_spool(spool, parent, error);
    free(parent);
    if (result)
        return -1;
    spool->fd = open(spool->path, OPEN_DIRECTORY);
    if (spool->fd >= 0 && flock(spool->fd, LOCK_EX | LOCK_NB) == 0)
        return 0;
    error_set_errno(error, ERROR_SYSTEM, "can't lock %s", spool->path);
    spool_close(spool);
    return -1;
}

static int make_parents(int directory, const char *name)
{
    for (const char *slash = strchr(name, '/'); slash; slash = strchr(slash + 1, '/')) {
        char *part = strndup(name, (size_t)(slash - name));
        int result = part ? mkdirat(directory, part, 0750) : -1;
        free(part);
        if (result && errno != EEXIST)
            return -1;
    }
    return 0;
}

int spool_make(struct spool *spool, const char *name, struct error *error)
{
    if (make_parents(spool->fd, name) == 0 &&
        (mkdirat(spool->fd, name, 0750) == 0 || errno == EEXIST))
        return 0;
    return error_set_errno(error, ERROR_SYSTEM, "can't make a directory in %s", spool->path);
}

void spool_remove(struct spool *spool, const char *name)
{
    remove_entry(spool->fd, name);
}

void spool_close(struct spool *spool)
{
    if (spool->fd >= 0)
        empty(spool->fd);
    if (spool->path)
        rmdir(spool->path);
    if (spool->fd >= 0)
        close(spool->fd);
    free(spool->path);
    *spool = SPOOL_NONE;
}

int spool_create(struct spool *spool, const char *name, struct error *error)
{
    int fd =
        make_parents(spool->fd, name)
            ? -1
            : openat(spool->fd, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0640);
    if (fd < 0)
        error_set_errno(error, ERROR_SYSTEM, "can't create a temporary file in %s", spool->path);
    return fd;
}
