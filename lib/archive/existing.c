#include "archive/existing.h"
#include "archive/reader.h"
#include "base/error.h"

#include <inttypes.h>
#include <string.h>

static int has(struct archive *archive, const char *key, struct error *error)
{
    struct storage_download *found = storage_download(archive->storage, key, error);
    storage_download_close(found);
    if (found)
        return 1;
    return error->class == ERROR_MISSING ? 0 : -1;
}

int existing_find(struct archive *archive, const struct wal_name *name, struct error *error)
{
    int found = 0;
    for (size_t i = 0; found == 0 && codec_at(i); i++)
        found = has(archive, object_key(name, codec_at(i)).text, error);
    return found;
}

/* Reads all of an object that has no label, to learn its size and digest. */
static int measure(struct reader *reader, uint64_t *size, struct error *error)
{
    const void *data;
    ssize_t n;
    *size = 0;
    reader_limit(reader, WAL_SEGMENT_SIZE_MAX);
    while ((n = reader_next(reader, &data, error)) > 0)
        *size += (uint64_t)n;
    return n < 0 ? -1 : 0;
}

/* What is likely, and what to do. */
static const char *hint(enum wal_kind kind, uint64_t there_size, uint64_t size)
{
    if (there_size != size)
        return "Did a copy end early? Then move the one there away.";
    if (kind == WAL_PARTIAL)
        return "Two servers were promoted in this segment? Then move the one there away.";
    return "Do two servers write this timeline?";
}

static int differ(const char *key, enum wal_kind kind, uint64_t there_size,
                  const char *there_sha256, const char *there_time, uint64_t size,
                  const char *sha256, struct error *error)
{
    return error_set(error, ERROR_REFUSED,
                     "the archive has %s with other content: there %" PRIu64
                     " bytes, SHA-256 %.16s%s%s; here %" PRIu64
                     " bytes, SHA-256 %.16s; nothing was changed. %s",
                     key, there_size, there_sha256, *there_time ? ", archived " : "", there_time,
                     size, sha256, hint(kind, there_size, size));
}

static int compare(struct reader *reader, const char *key, enum wal_kind kind, uint64_t size,
                   const char *sha256, struct error *error)
{
    const struct label *label = reader_label(reader);
    uint64_t there_size = label ? label->raw_size : 0;
    if (!label && measure(reader, &there_size, error))
        return error_prefix(error, "%s, which the archive has already: ", key);
    const char *there_sha256 = label ? label->raw_sha256 : reader_sha256(reader);
    if (there_size == size && strcmp(there_sha256, sha256) == 0)
        return 0;
    return differ(key, kind, there_size, there_sha256, label ? label->time : "", size, sha256,
                  error);
}

static int compare_one(struct archive *archive, const char *key, const struct wal_name *name,
                       uint64_t size, const char *sha256, struct error *error)
{
    struct reader *reader = reader_open(archive, key, name, error);
    if (!reader)
        return error->class == ERROR_MISSING
                   ? -1
                   : error_prefix(error, "the archive has it already, but ");
    int result = compare(reader, key, name->kind, size, sha256, error);
    reader_close(reader);
    return result ? -1 : storage_settle(archive->storage, key, error);
}

int existing_compare(struct archive *archive, const struct wal_name *name, uint64_t size,
                     const char *sha256, struct object_key *key, struct error *error)
{
    int same = 0;
    for (size_t i = 0; codec_at(i); i++) {
        struct object_key candidate = object_key(name, codec_at(i));
        if (compare_one(archive, candidate.text, name, size, sha256, error) == 0) {
            *key = candidate;
            same++;
        } else if (error->class != ERROR_MISSING) {
            return -1;
        }
    }
    return same ? 0 : -1;
}
