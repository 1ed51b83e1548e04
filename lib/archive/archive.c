#include "archive/archive.h"
#include "archive/identity.h"
#include "base/buf.h"
#include "base/error.h"

#include <string.h>

int archive_open(struct archive *archive, struct error *error)
{
    archive->layout = (struct layout){.known = false};
    archive->owner = 0;
    archive->storage = storage_open(archive->location, &archive->options, error);
    return archive->storage ? 0 : -1;
}

void archive_close(struct archive *archive)
{
    storage_close(archive->storage);
    archive->storage = NULL;
}

static int open_below(struct archive *archive, const char *path, struct error *error)
{
    struct buf location = {0};
    size_t length = strlen(archive->location);
    while (length > 0 && archive->location[length - 1] == '/')
        length--;
    int result = buf_printf(&location, error, "%.*s/%s", (int)length, archive->location, path);
    struct storage *storage = result ? NULL : storage_open(location.data, &archive->options, error);
    buf_free(&location);
    if (!storage)
        return -1;
    storage_close(archive->storage);
    archive->storage = storage;
    return 0;
}

/* What lies below may be ours: then the location is wrong. */
static int check_foreign(struct archive *archive, const char *path, struct error *error)
{
    uint64_t ignored;
    int found = identity_read(archive, &ignored, error);
    if (found <= 0)
        return found;
    archive->owner = 0;
    return error_set(error, ERROR_USAGE, "%s is no archive, but %s below it is one: give that",
                     archive->location, path);
}

/* Of an archive without identity. */
static int find_layout(struct archive *archive, struct error *error)
{
    struct layout layout;
    struct buf path = {0};
    int result = layout_find(archive->storage, archive->location, &layout, &path, error);
    if (result)
        error_prefix(error, "%s: ", archive->location);
    if (result == 0 && layout.below)
        result = open_below(archive, path.data, error) || check_foreign(archive, path.data, error)
                     ? -1
                     : 0;
    buf_free(&path);
    if (result == 0)
        archive->layout = layout;
    return result;
}

int archive_recognise(struct archive *archive, struct error *error)
{
    uint64_t ignored;
    if (archive->layout.known)
        return 0;
    int found = identity_read(archive, &ignored, error);
    if (found == 0)
        return find_layout(archive, error);
    archive->layout.known = found > 0;
    return found < 0 ? -1 : 0;
}

int archive_check_flat(struct archive *archive, const char *advice, struct error *error)
{
    const struct layout *layout = &archive->layout;
    if (!layout->known && find_layout(archive, error))
        return -1;
    if (!layout->foreign)
        return 0;
    return error_set(error, ERROR_REFUSED, "%s is an archive of %s, which is only read here: %s",
                     archive->location, layout->tool ? layout->tool : "another tool", advice);
}
