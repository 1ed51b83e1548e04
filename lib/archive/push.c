#include "archive/push.h"
#include "archive/datadir.h"
#include "archive/existing.h"
#include "archive/memory.h"
#include "archive/timeline.h"
#include "archive/walfile.h"
#include "base/error.h"
#include "base/log.h"
#include "codec/label.h"
#include "crypto/sha256.h"
#include "wal/crc32c.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* ---- one object: the encoder's output, counted, behind the place of the head ---- */

struct object_writer {
    struct storage_upload *upload;
    uint64_t stored_size;
    uint32_t stored_crc;
};

static int write_stored(void *context, const void *data, size_t size, struct error *error)
{
    struct object_writer *writer = context;
    writer->stored_crc = wal_crc32c(writer->stored_crc, data, size);
    writer->stored_size += size;
    return storage_upload_write(writer->upload, data, size, error);
}

static void describe(const struct walfile *file, struct label *label)
{
    *label = (struct label){
        .raw_size = file->size,
        .system_identifier = file->system_identifier,
        .timeline = file->name.timeline,
    };
    snprintf(label->name, sizeof label->name, "%s", file->name.text);
    snprintf(label->server_version, sizeof label->server_version, "%s", file->server_version);
    time_t now = time(NULL);
    struct tm tm;
    strftime(label->time, sizeof label->time, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &tm));
}

static int encode_all(struct encoder *encoder, struct walfile *file, struct error *error)
{
    const void *data;
    ssize_t n;
    while ((n = walfile_next(file, &data, error)) > 0)
        if (encoder_write(encoder, data, (size_t)n, error))
            return -1;
    return n < 0 ? -1 : encoder_finish(encoder, error);
}

static int encode(struct archive *archive, struct walfile *file, struct sink sink,
                  struct error *error)
{
    struct encoder *encoder = encoder_open(archive->coding, file->size, sink, error);
    if (!encoder)
        return -1;
    int result = encode_all(encoder, file, error);
    encoder_close(encoder);
    return result;
}

/* The same name in another coding must not get in beside this one. */
static int commit(struct object_writer *writer, const struct walfile *file,
                  const struct codec *codec, const struct label *label, const void *head,
                  struct error *error)
{
    struct object_key keys[CODEC_MAX];
    struct buf attributes = {0};
    const char *rivals[CODEC_MAX + 1] = {NULL};
    size_t count = 0;
    for (size_t i = 0; codec_at(i); i++) {
        if (codec_at(i) == codec)
            continue;
        keys[count] = object_key(&file->name, codec_at(i));
        rivals[count] = keys[count].text;
        count++;
    }
    int result = label_write_fields(label, &attributes, error);
    const struct storage_commit storage_commit = {head, rivals, attributes.data, label->raw_sha256};
    if (result == 0)
        result = storage_upload_commit(writer->upload, &storage_commit, error);
    buf_free(&attributes);
    return result;
}

/* Writes the object; `label` is complete afterwards, also when the commit met ERROR_EXISTS. */
static int store(struct archive *archive, struct walfile *file, const char *key,
                 struct label *label, struct error *error)
{
    struct buf head = {0};
    struct object_writer writer = {.stored_crc = WAL_CRC32C_INIT};
    int result = -1;
    if (label_write(label, archive->coding.codec, &head, error))
        goto out;
    writer.upload = storage_upload(archive->storage, key, head.length, error);
    if (!writer.upload || encode(archive, file, (struct sink){write_stored, &writer}, error) ||
        walfile_sha256(file, label->raw_sha256, error))
        goto out;
    label->stored_size = writer.stored_size;
    label->stored_crc32c = ~writer.stored_crc;
    head.length = 0;
    if (label_write(label, archive->coding.codec, &head, error))
        goto out;
    result = commit(&writer, file, archive->coding.codec, label, head.data, error);
out:
    storage_upload_close(writer.upload);
    buf_free(&head);
    return result;
}

/* ---- names that are taken ---- */

static int digest(struct walfile *file, char *sha256, struct error *error)
{
    const void *data;
    ssize_t n;
    while ((n = walfile_next(file, &data, error)) > 0)
        ;
    return n < 0 ? -1 : walfile_sha256(file, sha256, error);
}

static int compare(struct archive *archive, struct walfile *file, const char *sha256,
                   struct error *error)
{
    struct object_key key;
    if (existing_compare(archive, &file->name, file->size, sha256, &key, error))
        return -1;
    log_info("%s is already archived", key.text);
    return 0;
}

/* A server archives a history file before any WAL of its timeline. When there is such WAL already,
 * two servers have chosen the same timeline. */
static int check_timeline(struct archive *archive, const struct wal_name *name, struct error *error)
{
    struct object_key wal;
    if (name->kind != WAL_HISTORY)
        return 0;
    int used = timeline_has_wal(archive, name->timeline, &wal, error);
    if (used <= 0)
        return used;
    return error_set(
        error, ERROR_REFUSED,
        "the archive has WAL of this timeline already, such as %s, but not its history "
        "file: another server uses the timeline; nothing was changed",
        wal.text);
}

static int push_new(struct archive *archive, struct walfile *file, struct error *error)
{
    if (check_timeline(archive, &file->name, error))
        return -1;
    struct object_key key = object_key(&file->name, archive->coding.codec);
    struct label label;
    describe(file, &label);
    if (store(archive, file, key.text, &label, error)) {
        if (error->class != ERROR_EXISTS)
            return -1;
        /* It may have been seen before the file was read to its end. */
        if (!*label.raw_sha256 && digest(file, label.raw_sha256, error))
            return -1;
        return compare(archive, file, label.raw_sha256, error);
    }
    log_info("archived %s", key.text);
    if (walfile_is_segment(file) && !file->segment.version)
        log_warning("%s: its WAL magic %04X is newer than any this program knows; archived all "
                    "the same, as the rest fits",
                    key.text, file->segment.first.magic);
    return 0;
}

/* Where each look costs as much as the push, segments are pushed without one, since their names are
 * nearly always new: the commit tells when one is not. What only a look can see, the same name in
 * another coding, is then seen when the archive is confirmed again, or the coding is another. */
static bool pushes_blindly(const struct walfile *file, const struct memory *memory)
{
    return memory->fresh && (file->name.kind == WAL_SEGMENT || file->name.kind == WAL_BACKUP);
}

static int push_file(struct archive *archive, struct walfile *file, const struct memory *memory,
                     struct error *error)
{
    struct existing existing = {.count = 0};
    if (!pushes_blindly(file, memory) && existing_find(archive, &file->name, &existing, error))
        return -1;
    if (!existing.count)
        return push_new(archive, file, error);
    char sha256[SHA256_HEX_SIZE + 1];
    return digest(file, sha256, error) ? -1 : compare(archive, file, sha256, error);
}

static int confirm(struct archive *archive, const struct walfile *file, const char *path,
                   enum identity_new new, struct memory *memory, struct error *error)
{
    if (memory->fresh && new != IDENTITY_BY_ORDER)
        return 0;
    if (memory->known && new == IDENTITY_IF_UNUSED)
        new = IDENTITY_REMEMBERED;
    return identity_confirm(archive, file->system_identifier, path, new, error);
}

int archive_push(struct archive *archive, const char *path, enum identity_new new,
                 struct error *error)
{
    struct walfile file;
    if (walfile_open(&file, path, error))
        return error_prefix(error, "%s: ", path);
    struct memory memory;
    memory_recall(archive, file.system_identifier, &memory);
    int result = confirm(archive, &file, path, new, &memory, error);
    if (result == 0)
        result = push_file(archive, &file, &memory, error);
    if (result == 0)
        memory_keep(archive, file.system_identifier, &memory);
    memory_free(&memory);
    walfile_close(&file);
    /* What an archive loses while something is put into it is not "absent". */
    if (result && error->class == ERROR_MISSING)
        error->class = ERROR_UNREACHABLE;
    return result ? error_prefix(error, "%s: ", path) : 0;
}

int archive_init(struct archive *archive, struct error *error)
{
    uint64_t system_identifier;
    if (datadir_system_identifier("", &system_identifier, error) || datadir_check_owner(error) ||
        identity_confirm(archive, system_identifier, "", IDENTITY_BY_ORDER, error))
        return -1;
    return identity_settle(archive, error);
}
