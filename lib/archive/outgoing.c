#include "archive/outgoing.h"
#include "base/error.h"
#include "wal/crc32c.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* ---- the encoder's output, counted, behind the place of the head ---- */

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

/* ---- what it says of itself ---- */

static void describe(const struct walfile *file, struct label *label)
{
    *label = (struct label){
        .raw_size = file->size,
        .system_identifier = file->system_identifier,
        .timeline = file->name.timeline,
    };
    snprintf(label->name, sizeof label->name, "%s", file->name.text);
    snprintf(label->server_version, sizeof label->server_version, "%s", file->server_version);
    if (file->archived) {
        snprintf(label->time, sizeof label->time, "%s", file->archived);
        return;
    }
    time_t now = time(NULL);
    struct tm tm;
    strftime(label->time, sizeof label->time, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &tm));
}

/* The same name in another coding must not get in beside this one. */
static void find_rivals(struct outgoing *outgoing, const struct codec *codec)
{
    size_t count = 0;
    for (size_t i = 0; codec_at(i); i++) {
        if (codec_at(i) == codec)
            continue;
        outgoing->rival_keys[count] = object_key(&outgoing->name, codec_at(i));
        outgoing->rivals[count] = outgoing->rival_keys[count].text;
        count++;
    }
    outgoing->rivals[count] = NULL;
}

static int label_it(struct outgoing *outgoing, const struct object_writer *writer,
                    const struct codec *codec, struct error *error)
{
    outgoing->label.stored_size = writer->stored_size;
    outgoing->label.stored_crc32c = ~writer->stored_crc;
    outgoing->head.length = 0;
    return label_write(&outgoing->label, codec, &outgoing->head, error) ||
                   label_write_fields(&outgoing->label, &outgoing->attributes, error)
               ? -1
               : 0;
}

int outgoing_prepare(struct outgoing *outgoing, struct archive *archive, struct walfile *file,
                     struct error *error)
{
    const struct codec *codec = archive->coding.codec;
    *outgoing = (struct outgoing){
        .name = file->name, .key = object_key(&file->name, codec), .size = file->size};
    if (walfile_is_segment(file) && !file->segment.version)
        outgoing->magic = file->segment.first.magic;
    describe(file, &outgoing->label);
    find_rivals(outgoing, codec);
    if (label_write(&outgoing->label, codec, &outgoing->head, error))
        return -1;
    outgoing->upload =
        storage_upload(archive->storage, outgoing->key.text, outgoing->head.length, error);
    struct object_writer writer = {.upload = outgoing->upload, .stored_crc = WAL_CRC32C_INIT};
    if (!outgoing->upload || encode(archive, file, (struct sink){write_stored, &writer}, error) ||
        walfile_sha256(file, outgoing->label.raw_sha256, error))
        return -1;
    return label_it(outgoing, &writer, codec, error);
}

void outgoing_close(struct outgoing *outgoing)
{
    storage_upload_close(outgoing->upload);
    buf_free(&outgoing->head);
    buf_free(&outgoing->attributes);
}

int outgoing_commit(struct archive *archive, struct outgoing *list, size_t count,
                    struct error *error)
{
    struct storage_upload *uploads[STORAGE_BATCH_MAX];
    struct storage_commit commits[STORAGE_BATCH_MAX];
    for (size_t i = 0; i < count; i++) {
        uploads[i] = list[i].upload;
        commits[i] = (struct storage_commit){.head = list[i].head.data,
                                             .rivals = list[i].rivals,
                                             .attributes = list[i].attributes.data,
                                             .digest = list[i].label.raw_sha256};
    }
    return storage_commit_all(archive->storage, uploads, commits, count, error);
}
