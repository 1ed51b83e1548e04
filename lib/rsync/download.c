#include "base/error.h"
#include "base/file.h"
#include "rsync/rsync.h"
#include "rsync/run.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct download {
    struct storage_download download;
    int fd;
    char *key;
};

/* rsync passes over what is no file, and says so: it is not absent. */
static int look_for_odd(void *context, char *line, struct error *error)
{
    const char *key = context;
    if (!strstr(line, "skipping ") || !strstr(line, key))
        return 0;
    return error_set(error, ERROR_REFUSED, "%s is not a regular file", key);
}

/* By name, as --files-from may name what is not there; but the daemon of rsync 3.5.0 then finds
 * nothing below the top of its module, and takes an argument. */
static int add_object(struct rsync_storage *rsync, struct arguments *arguments, const char *key,
                      struct buf *names, struct error *error)
{
    struct buf path = {0};
    int result = 0;
    if (rsync->place.daemon) {
        result =
            buf_printf(&path, error, "./%s", key); /* what is before it is no part of the name */
        if (result == 0)
            rsync_add_path(rsync, arguments, path.data);
        buf_free(&path);
        return result;
    }
    arguments_add(arguments, "--files-from=-");
    arguments_add(arguments, "--from0");
    rsync_add_path(rsync, arguments, "");
    return buf_append(names, key, strlen(key) + 1, error);
}

/* A name that is not there is no failure for rsync here: all the others are. */
static int bring(struct rsync_storage *rsync, const char *key, struct error *error)
{
    struct arguments arguments = {.list = NULL};
    struct buf names = {0};
    const struct rsync_talk talk = {look_for_odd, (void *)key, &names};
    int result = rsync_begin(rsync, &arguments, error);
    arguments_add(&arguments, "-RWI");
    arguments_add(&arguments, "--info=progress2,nonreg");
    arguments_add(&arguments, "--ignore-missing-args");
    if (result == 0)
        result = add_object(rsync, &arguments, key, &names, error);
    arguments_add(&arguments, "%s/in/", rsync->spool.path);
    if (result == 0)
        result = rsync_run(rsync, &arguments, &talk, error);
    arguments_free(&arguments);
    buf_free(&names);
    return result;
}

static int open_brought(struct rsync_storage *rsync, const char *key, uint64_t *size,
                        struct error *error)
{
    struct buf path = {0};
    struct stat status;
    if (buf_printf(&path, error, "in/%s", key))
        return -1;
    int fd = openat(rsync->spool.fd, path.data, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    int number = errno;
    buf_free(&path);
    if (fd < 0 && number == ENOENT)
        return error_set(error, ERROR_MISSING, "%s is not there", key);
    if (fd < 0)
        return error_set(error, ERROR_SYSTEM, "can't open what rsync has brought: %s",
                         strerror(number));
    if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode)) {
        *size = (uint64_t)status.st_size;
        return fd;
    }
    close(fd);
    return error_set(error, ERROR_REFUSED, "%s is not a regular file", key);
}

static struct storage_download *make_download(struct storage *storage, const char *key, int fd,
                                              uint64_t size, struct error *error)
{
    struct download *download = malloc(sizeof *download);
    char *copy = strdup(key);
    if (download && copy) {
        *download = (struct download){{storage, size}, fd, copy};
        return &download->download;
    }
    error_memory(error);
    close(fd);
    free(download);
    free(copy);
    return NULL;
}

struct storage_download *rsync_download(struct storage *storage, const char *key,
                                        struct error *error)
{
    struct rsync_storage *rsync = (struct rsync_storage *)storage;
    uint64_t size = 0;
    if (rsync_spool(rsync, error))
        return NULL;
    int fd = bring(rsync, key, error) == 0 ? open_brought(rsync, key, &size, error)
                                           : error_prefix(error, "%s: ", key);
    spool_remove(&rsync->spool, "in"); /* the open file is enough */
    return fd < 0 ? NULL : make_download(storage, key, fd, size, error);
}

ssize_t rsync_download_read(struct storage_download *storage_download, void *data, size_t size,
                            struct error *error)
{
    struct download *download = (struct download *)storage_download;
    return file_read(download->fd, download->key, data, size, error);
}

void rsync_download_close(struct storage_download *storage_download)
{
    struct download *download = (struct download *)storage_download;
    close(download->fd);
    free(download->key);
    free(download);
}
