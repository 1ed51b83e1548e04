#include "archive/archive.h"
#include "base/error.h"

int archive_open(struct archive *archive, struct error *error)
{
    archive->storage = storage_open(archive->location, &archive->options, error);
    return archive->storage ? 0 : -1;
}

void archive_close(struct archive *archive)
{
    storage_close(archive->storage);
    archive->storage = NULL;
}
