#include "archive/walfile.h"
#include "archive/datadir.h"
#include "archive/digest.h"
#include "base/error.h"
#include "base/file.h"
#include "wal/history.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PORTION = 512 * 1024 };

bool walfile_is_segment(const struct walfile *file)
{
    return file->name.kind == WAL_SEGMENT || file->name.kind == WAL_PARTIAL;
}

static int check_name(struct walfile *file, struct error *error)
{
    const char *slash = strrchr(file->path, '/');
    const char *base = slash ? slash + 1 : file->path;
    if (wal_name_parse(base, strlen(base), &file->name))
        return 0;
    return error_set(error, ERROR_REFUSED,
                     "\"%s\" is not the name of a WAL file: a segment, .partial, .history or "
                     ".backup file, as PostgreSQL names them",
                     base);
}

/* O_NONBLOCK: opening a fifo must not wait for a writer. */
static int open_regular(struct walfile *file, struct error *error)
{
    struct stat status;
    file->fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file->fd < 0)
        return error_set_errno(error, ERROR_SYSTEM, "can't open it");
    if (fstat(file->fd, &status))
        return error_set_errno(error, ERROR_SYSTEM, "can't stat it");
    if (!S_ISREG(status.st_mode))
        return error_set(error, ERROR_REFUSED, "it is not a regular file");
    file->size = (uint64_t)status.st_size;
    return 0;
}

static int check_first_page(struct walfile *file, struct error *error)
{
    unsigned char page[WAL_LONG_PAGE_HEADER_SIZE];
    ssize_t n = file_read(file->fd, file->path, page, sizeof page, error);
    if (n < 0 || wal_segment_open(&file->segment, &file->name, page, (size_t)n, file->size, error))
        return -1;
    file->system_identifier = file->segment.first.system_identifier;
    file->server_version = file->segment.version ? file->segment.version : "";
    return 0;
}

static int check_text(struct walfile *file, struct error *error)
{
    if (file->size > WAL_HISTORY_SIZE_MAX)
        return error_set(error, ERROR_CORRUPT, "%" PRIu64 " bytes are too many for a %s",
                         file->size, wal_kind_text(file->name.kind));
    struct buf text = {0};
    struct error own;
    int result = file_slurp(AT_FDCWD, file->path, WAL_HISTORY_SIZE_MAX, &text, &own);
    if (result)
        error_set(error, ERROR_SYSTEM, "%s", own.message);
    else
        result = wal_history_check(&file->name, text.data, text.length, error);
    buf_free(&text);
    if (result || file->system_identifier)
        return result;
    return datadir_system_identifier(file->path, &file->system_identifier, error);
}

/* Back to the first byte: what follows is read, judged and digested from there. */
static int start(struct walfile *file, struct error *error)
{
    if (lseek(file->fd, 0, SEEK_SET) < 0)
        return error_set_errno(error, ERROR_SYSTEM, "can't seek in it");
    file->portion = malloc(PORTION);
    if (!file->portion)
        return error_memory(error);
    file->digest = digest_open(error);
    return file->digest ? 0 : -1;
}

int walfile_open(struct walfile *file, const char *path, struct error *error)
{
    return walfile_open_known(file, path, 0, error);
}

int walfile_open_known(struct walfile *file, const char *path, uint64_t system_identifier,
                       struct error *error)
{
    *file = (struct walfile){
        .path = path, .fd = -1, .server_version = "", .system_identifier = system_identifier};
    if (check_name(file, error) || open_regular(file, error) ||
        (walfile_is_segment(file) ? check_first_page(file, error) : check_text(file, error)) ||
        start(file, error)) {
        walfile_close(file);
        return -1;
    }
    return 0;
}

void walfile_close(struct walfile *file)
{
    if (file->fd >= 0)
        close(file->fd);
    file->fd = -1;
    digest_close(file->digest);
    file->digest = NULL;
    free(file->portion);
    file->portion = NULL;
}

static int check_end(const struct walfile *file, struct error *error)
{
    if (file->seen == file->size)
        return 0;
    return error_set(error, ERROR_CORRUPT,
                     "it changed while it was read: %" PRIu64 " bytes, %" PRIu64 " before",
                     file->seen, file->size);
}

ssize_t walfile_next(struct walfile *file, const void **data, struct error *error)
{
    digest_wait(file->digest);
    ssize_t n = file_read(file->fd, file->path, file->portion, PORTION, error);
    if (n < 0)
        return -1;
    *data = file->portion;
    file->seen += (size_t)n;
    if (n == 0 || file->seen > file->size)
        return check_end(file, error);
    if (walfile_is_segment(file) &&
        wal_segment_next(&file->segment, file->portion, (size_t)n, error))
        return -1;
    return digest_add(file->digest, file->portion, (size_t)n, error) ? -1 : n;
}

int walfile_sha256(struct walfile *file, char *hex, struct error *error)
{
    return digest_finish(file->digest, hex, error);
}

int walfile_check_records(int fd, const struct wal_name *name, uint64_t size, struct wal_walk *walk,
                          struct error *error)
{
    void *data = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
    if (data == MAP_FAILED)
        return error_set_errno(error, ERROR_SYSTEM, "can't map %s", name->text);
    int result = wal_record_check(name, data, size, walk, error);
    munmap(data, size);
    return result;
}
