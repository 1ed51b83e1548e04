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

/* rsync passes over what is neither file nor directory, and says so: it is not absent. */
static int look_for_odd(void *context, char *line, struct error *error)
{
    if (!strstr(line, "skipping non-regular file"))
        return 0;
    return error_set(error, ERROR_REFUSED, "%s is not a regular file", (const char *)context);
}

/* A name that is not there is no failure for rsync here: all the others are. The name is an
 * argument as the daemon of rsync 3.5.0 finds none below its module that comes by --files-from. */
static int bring(struct rsync_storage *rsync, const char *key, struct error *error)
{
    struct arguments arguments = {.list = NULL};
    const struct rsync_talk talk = {look_for_odd, (void *)key, NULL};
    int result = rsync_begin(rsync, &arguments, error);
    arguments_add(&arguments, "-RWI");
    arguments_add(&arguments, "--info=progress2,nonreg");
    arguments_add(&arguments, "--ignore-missing-args");
    rsync_add_path(rsync, &arguments, key);
    arguments_add(&arguments, "%s/in/", rsync->spool.path);
    if (result == 0)
        result = rsync_run(rsync, &arguments, &talk, error);
    arguments_free(&arguments);
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
    if (rsync_spool(rsync, error) || bring(rsync, key, error))
        return NULL;
    int fd = open_brought(rsync, key, &size, error);
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
