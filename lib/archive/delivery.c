#include "archive/delivery.h"
#include "base/error.h"
#include "base/file.h"
#include "base/signals.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char temporary_prefix[] = ".walfetch-";

enum { COPY_CHUNK = 64 * 1024 };

static bool to_standard_output(const struct delivery *delivery)
{
    return strcmp(delivery->destination, "-") == 0;
}

static int open_directory(struct delivery *delivery, struct error *error)
{
    const char *slash = strrchr(delivery->destination, '/');
    const char *scratch = getenv("TMPDIR");
    char *path;
    if (to_standard_output(delivery))
        path = strdup(scratch && *scratch ? scratch : "/tmp");
    else
        path = slash ? strndup(delivery->destination, (size_t)(slash - delivery->destination) + 1)
                     : strdup(".");
    if (!path)
        return error_memory(error);
    delivery->name = slash ? slash + 1 : delivery->destination;
    delivery->directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (delivery->directory < 0)
        error_set_errno(error, ERROR_SYSTEM, "can't open the destination's directory %s", path);
    free(path);
    return delivery->directory < 0 ? -1 : 0;
}

int delivery_open(struct delivery *delivery, const char *destination, struct error *error)
{
    *delivery = (struct delivery){destination, NULL, -1, TEMPFILE_NONE};
    if (open_directory(delivery, error))
        return -1;
    tempfile_sweep(delivery->directory, temporary_prefix);
    if (tempfile_create(&delivery->file, delivery->directory, temporary_prefix, error) == 0)
        return 0;
    error->class = error->class == ERROR_INTERRUPTED ? ERROR_INTERRUPTED : ERROR_SYSTEM;
    delivery_close(delivery);
    return error_prefix(error, "destination %s: ", destination);
}

static int copy_out(int fd, struct error *error)
{
    char chunk[COPY_CHUNK];
    ssize_t n;
    if (lseek(fd, 0, SEEK_SET) < 0)
        return error_set_errno(error, ERROR_SYSTEM, "can't seek");
    while ((n = file_read(fd, "the temporary file", chunk, sizeof chunk, error)) > 0)
        if (file_write(STDOUT_FILENO, "standard output", chunk, (size_t)n, error))
            return -1;
    return (int)n;
}

int delivery_commit(struct delivery *delivery, struct error *error)
{
    struct tempfile *file = &delivery->file;
    if (signals_check(error))
        return -1;
    if (to_standard_output(delivery))
        return copy_out(file->fd, error);
    if (renameat(delivery->directory, file->name, delivery->directory, delivery->name))
        return error_set_errno(error, ERROR_SYSTEM, "can't rename to %s", delivery->destination);
    free(file->name);
    file->name = NULL;
    return 0;
}

void delivery_close(struct delivery *delivery)
{
    tempfile_discard(&delivery->file);
    if (delivery->directory >= 0)
        close(delivery->directory);
    delivery->directory = -1;
}
