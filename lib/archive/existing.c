#include "archive/existing.h"
#include "archive/reader.h"
#include "archive/scan.h"
#include "base/error.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static int has(struct archive *archive, const char *key, struct error *error)
{
    struct storage_download *found = storage_download(archive->storage, key, error);
    storage_download_close(found);
    if (found)
        return 1;
    return error->class == ERROR_MISSING ? 0 : -1;
}

static int look(struct archive *archive, const struct wal_name *name, struct existing *existing,
                struct error *error)
{
    for (size_t i = 0; codec_at(i); i++) {
        struct object_key key = object_key(name, codec_at(i));
        int found = has(archive, key.text, error);
        if (found < 0)
            return -1;
        if (found)
            existing->keys[existing->count++] = key;
    }
    return 0;
}

struct listing {
    const struct wal_name *name;
    struct existing *existing;
};

static int take(void *context, const struct scan_object *object, struct error *error)
{
    struct listing *listing = context;
    (void)error;
    if (object && strcmp(object->object.name.text, listing->name->text) == 0 &&
        listing->existing->count < CODEC_MAX)
        listing->existing->keys[listing->existing->count++] = object->key;
    return 0;
}

/* What all objects of the name begin with: a partial segment's suffix may come before ".partial".
 */
static int scan_for(struct archive *archive, const struct wal_name *name, struct existing *existing,
                    struct error *error)
{
    struct listing listing = {name, existing};
    char prefix[WAL_NAME_MAX + 1];
    snprintf(prefix, sizeof prefix, "%.*s",
             name->kind == WAL_PARTIAL ? WAL_SEGMENT_NAME_LENGTH : WAL_NAME_MAX, name->text);
    return archive_scan(archive, &(struct scan_query){.prefix = prefix}, take, &listing, error);
}

/* Every name that we would give it is looked for, or all that begin so are listed; another tool's
 * may have a name that only a list finds. */
int existing_find(struct archive *archive, const struct wal_name *name, struct existing *existing,
                  struct error *error)
{
    bool looks =
        !storage_has(archive->storage, STORAGE_REMOTE) && archive->layout.form == LAYOUT_FLAT;
    bool foreign = archive->layout.known && !archive->owner;
    existing->count = 0;
    if (looks && look(archive, name, existing, error))
        return -1;
    if (existing->count || (looks && !foreign))
        return 0;
    return scan_for(archive, name, existing, error);
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

static int differ(const char *key, enum wal_kind kind, const struct existing_content *there,
                  uint64_t size, const char *sha256, struct error *error)
{
    return error_set(error, ERROR_REFUSED,
                     "the archive has %s with other content: there %" PRIu64
                     " bytes, SHA-256 %.16s%s%s; here %" PRIu64
                     " bytes, SHA-256 %.16s; nothing was changed. %s",
                     key, there->size, there->sha256, *there->time ? ", archived " : "",
                     there->time, size, sha256, hint(kind, there->size, size));
}

/* Reads all of an object that has no label. */
static int measure(struct reader *reader, struct existing_content *content, struct error *error)
{
    const void *data;
    ssize_t n;
    reader_limit(reader, WAL_SEGMENT_SIZE_MAX);
    while ((n = reader_next(reader, &data, error)) > 0)
        content->size += (uint64_t)n;
    if (n < 0)
        return -1;
    memcpy(content->sha256, reader_sha256(reader), sizeof content->sha256);
    return 0;
}

static void take_label(const struct label *label, struct existing_content *content)
{
    content->size = label->raw_size;
    memcpy(content->sha256, label->raw_sha256, sizeof content->sha256);
    memcpy(content->time, label->time, sizeof content->time);
}

static int read_content(struct archive *archive, const char *key, const struct wal_name *name,
                        struct existing_content *content, struct error *error)
{
    struct reader *reader = reader_open(archive, key, name, error);
    if (!reader)
        return -1;
    const struct label *label = reader_label(reader);
    if (label)
        take_label(label, content);
    int result = label ? 0 : measure(reader, content, error);
    reader_close(reader);
    return result;
}

/* 1 when the label is kept beside the object too, where a remote storage tells it without a
 * download; 0 when it is not; -1 on error. */
static int find_attributes(struct archive *archive, const char *key, const struct wal_name *name,
                           struct label *label, struct error *error)
{
    struct storage_status status;
    if (!storage_has(archive->storage, STORAGE_REMOTE))
        return 0;
    int result = storage_stat(archive->storage, key, &status, error);
    if (result == 0)
        result = status.attributes.data &&
                 label_read_fields(status.attributes.data, status.attributes.length, label) &&
                 strcmp(label->name, name->text) == 0 && status.size > label->stored_size;
    buf_free(&status.attributes);
    return result;
}

int existing_describe(struct archive *archive, const char *key, const struct wal_name *name,
                      struct existing_content *content, struct error *error)
{
    struct label label;
    *content = (struct existing_content){.size = 0};
    int found = find_attributes(archive, key, name, &label, error);
    if (found > 0)
        take_label(&label, content);
    return found ? (found < 0 ? -1 : 0) : read_content(archive, key, name, content, error);
}

static int compare_one(struct archive *archive, const char *key, const struct wal_name *name,
                       uint64_t size, const char *sha256, struct error *error)
{
    struct existing_content there;
    if (existing_describe(archive, key, name, &there, error))
        return error_prefix(error, "%s, which the archive has already: ", key);
    if (there.size != size || strcmp(there.sha256, sha256) != 0)
        return differ(key, name->kind, &there, size, sha256, error);
    return storage_settle(archive->storage, key, error);
}

int existing_compare(struct archive *archive, const struct wal_name *name, uint64_t size,
                     const char *sha256, struct object_key *key, struct error *error)
{
    struct existing existing;
    if (existing_find(archive, name, &existing, error))
        return -1;
    if (existing.count == 0)
        return error_set(error, ERROR_MISSING, "%s is not in the archive", name->text);
    for (size_t i = 0; i < existing.count; i++) {
        *key = existing.keys[i];
        if (compare_one(archive, key->text, name, size, sha256, error))
            return -1;
    }
    return 0;
}
