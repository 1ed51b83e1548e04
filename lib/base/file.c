#include "base/file.h"
#include "base/signals.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum error_class file_error_class(int number)
{
    switch (number) {
    case ENOENT:
        return ERROR_MISSING;
    case EIO:
    case ESTALE:
    case ENOTCONN:
    case ETIMEDOUT:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case ENODEV:
    case ENXIO:
    case ENOTDIR:
        return ERROR_UNREACHABLE;
    case ELOOP:
        return ERROR_REFUSED;
    default:
        return ERROR_SYSTEM;
    }
}

static int failed(const char *verb, const char *what, struct error *error)
{
    return error_set_errno(error, file_error_class(errno), "can't %s %s", verb, what);
}

ssize_t file_read(int fd, const char *what, void *data, size_t size, struct error *error)
{
    size_t done = 0;
    while (done < size) {
        if (signals_check(error))
            return -1;
        ssize_t n = read(fd, (char *)data + done, size - done);
        if (n == 0)
            break;
        if (n > 0)
            done += (size_t)n;
        else if (errno != EINTR)
            return failed("read", what, error);
    }
    return (ssize_t)done;
}

int file_write(int fd, const char *what, const void *data, size_t size, struct error *error)
{
    for (size_t done = 0; done < size;) {
        if (signals_check(error))
            return -1;
        ssize_t n = write(fd, (const char *)data + done, size - done);
        if (n >= 0)
            done += (size_t)n;
        else if (errno != EINTR)
            return failed("write", what, error);
    }
    return 0;
}

int file_write_at(int fd, const char *what, const void *data, size_t size, off_t offset,
                  struct error *error)
{
    for (size_t done = 0; done < size;) {
        ssize_t n = pwrite(fd, (const char *)data + done, size - done, offset + (off_t)done);
        if (n >= 0)
            done += (size_t)n;
        else if (errno != EINTR)
            return failed("write", what, error);
        else if (signals_check(error))
            return -1;
    }
    return 0;
}

int file_sync(int fd, const char *what, struct error *error)
{
    while (fsync(fd)) {
        if (errno != EINTR)
            return failed("fsync", what, error);
        if (signals_check(error))
            return -1;
    }
    return 0;
}

int file_slurp(int directory, const char *path, size_t limit, struct buf *out, struct error *error)
{
    int fd = openat(directory, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return failed("open", path, error);
    int result = buf_reserve(out, limit + 1, error);
    if (result == 0) {
        ssize_t n = file_read(fd, path, out->data + out->length, limit + 1, error);
        if (n < 0)
            result = -1;
        else if ((size_t)n > limit)
            result = error_set(error, ERROR_CORRUPT, "%s is longer than %zu bytes", path, limit);
        else
            out->data[out->length += (size_t)n] = '\0';
    }
    close(fd);
    return result;
}

void file_make_directories(const char *path)
{
    char *part = strdup(path);
    for (char *slash = part; slash;) {
        slash = strchr(slash + 1, '/');
        if (slash)
            *slash = '\0';
        mkdir(part, 0700);
        if (slash)
            *slash = '/';
    }
    free(part);
}
