#include "report/output.h"
#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int fail(struct error *error)
{
    if (errno == EPIPE)
        return error_set(error, ERROR_INTERRUPTED, "nobody reads the output any more");
    return error_set_errno(error, ERROR_SYSTEM, "can't write to standard output");
}

int output_check(FILE *out, struct error *error)
{
    return ferror(out) ? fail(error) : 0;
}

int output_finish(FILE *out, struct error *error)
{
    return fflush(out) == 0 && !ferror(out) ? 0 : fail(error);
}

/* ---- a file ---- */

static const char temporary_prefix[] = ".wallist-";

/* What a device or a link names is not to be replaced by a file. */
static int check_place(const char *path, struct error *error)
{
    struct stat status;
    if (lstat(path, &status) == 0 && !S_ISREG(status.st_mode))
        return error_set(error, ERROR_SYSTEM, "%s is there and no regular file", path);
    return 0;
}

static int open_directory(const char *path, struct error *error)
{
    const char *slash = strrchr(path, '/');
    char *directory = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
    if (!directory)
        return error_memory(error);
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        error_set_errno(error, ERROR_SYSTEM, "can't open the directory %s", directory);
    free(directory);
    return fd;
}

static int make_temporary(struct output_file *file, struct error *error)
{
    int directory = open_directory(file->path, error);
    if (directory < 0)
        return -1;
    tempfile_sweep(directory, temporary_prefix);
    int result = tempfile_create(&file->temporary, directory, temporary_prefix, error);
    if (result)
        close(directory);
    else
        file->out = fdopen(dup(file->temporary.fd), "w");
    if (result == 0 && !file->out)
        result = error_set_errno(error, ERROR_SYSTEM, "can't write a temporary file");
    return result;
}

int output_create(struct output_file *file, const char *path, struct error *error)
{
    const char *slash = strrchr(path, '/');
    *file = (struct output_file){stdout, path, slash ? slash + 1 : path, TEMPFILE_NONE};
    if (strcmp(path, "-") == 0)
        return 0;
    file->out = NULL;
    int result = check_place(path, error);
    if (result == 0 && make_temporary(file, error)) {
        error->class = ERROR_SYSTEM;
        result = error_prefix(error, "%s: ", path);
    }
    if (result)
        output_discard(file);
    return result;
}

/* As any other new file, not for the owner alone. */
static int give_mode(int fd)
{
    mode_t mask = umask(0);
    umask(mask);
    return fchmod(fd, 0666 & ~mask);
}

int output_commit(struct output_file *file, struct error *error)
{
    struct tempfile *temporary = &file->temporary;
    if (!temporary->name)
        return output_finish(file->out, error);
    if (fflush(file->out) || ferror(file->out) || give_mode(temporary->fd) ||
        renameat(temporary->directory, temporary->name, temporary->directory, file->name))
        return error_set_errno(error, ERROR_SYSTEM, "can't write %s", file->path);
    free(temporary->name);
    temporary->name = NULL;
    return 0;
}

void output_discard(struct output_file *file)
{
    int directory = file->temporary.directory;
    if (file->out && file->out != stdout)
        fclose(file->out);
    tempfile_discard(&file->temporary);
    if (directory >= 0)
        close(directory);
    *file = (struct output_file){NULL, NULL, NULL, TEMPFILE_NONE};
}
