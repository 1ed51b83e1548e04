#include "archive/reader.h"
#include "archive/digest.h"
#include "base/error.h"
#include "wal/crc32c.h"
#include "wal/history.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct reader {
    struct storage_download *download;
    struct decoder *decoder;
    struct digest *digest;
    struct label label;
    bool labelled;
    size_t head_length;

    unsigned char head[LABEL_HEAD_MAX]; /* the object's first bytes ... */
    size_t head_filled;                 /* ... how many ... */
    size_t head_used;                   /* ... and how many of them the decoder has been given */

    uint64_t stored_seen; /* bytes behind the label's head */
    uint32_t stored_crc;
    /* While one portion is being digested and used, the next is decoded. */
    unsigned char *portions[2];
    size_t current;
    uint64_t raw_seen;
    uint64_t raw_limit;
    char hex[SHA256_HEX_SIZE + 1];
    char sha1_told[SHA1_HEX_SIZE + 1]; /* by the key; "" */
    struct sha1 *sha1;
};

/* ---- what the decoder reads: the first bytes again, then the rest, all of it counted ---- */

static void count_stored(struct reader *reader, const unsigned char *data, size_t size,
                         uint64_t offset)
{
    if (offset < reader->head_length) {
        size_t skip = reader->head_length - offset < size ? reader->head_length - offset : size;
        data += skip;
        size -= skip;
    }
    reader->stored_crc = wal_crc32c(reader->stored_crc, data, size);
    reader->stored_seen += size;
}

static ssize_t read_object(void *context, void *data, size_t size, struct error *error)
{
    struct reader *reader = context;
    size_t ready = reader->head_filled - reader->head_used;
    if (ready > 0) {
        size_t n = ready < size ? ready : size;
        memcpy(data, reader->head + reader->head_used, n);
        count_stored(reader, data, n, reader->head_used);
        reader->head_used += n;
        return (ssize_t)n;
    }
    ssize_t n = storage_download_read(reader->download, data, size, error);
    if (n > 0)
        count_stored(reader, data, (size_t)n, UINT64_MAX);
    return n;
}

/* ---- opening ---- */

static int read_label(struct reader *reader, const struct wal_name *name, struct error *error)
{
    struct source source = storage_download_source(reader->download);
    ssize_t n = source_fill(source, reader->head, sizeof reader->head, error);
    if (n < 0)
        return -1;
    reader->head_filled = (size_t)n;
    int found = label_read(reader->head, (size_t)n, &reader->label, &reader->head_length, error);
    if (found < 0)
        return -1;
    reader->labelled = found > 0;
    if (!reader->labelled)
        return 0;
    const struct label *label = &reader->label;
    uint64_t stored = storage_download_size(reader->download) - reader->head_length;
    if (strcmp(label->name, name->text) != 0)
        return error_set(error, ERROR_CORRUPT, "its label names another file, %s", label->name);
    if (stored != label->stored_size)
        return error_set(error, ERROR_CORRUPT,
                         "%" PRIu64 " bytes are stored where its label says %" PRIu64, stored,
                         label->stored_size);
    return 0;
}

/* Whatever the name is: what "openssl enc" and pgBackRest, snappy, pghoard, GnuPG begin with. */
static const char *unreadable_content(const unsigned char *head, size_t size)
{
    static const struct {
        const char *magic;
        size_t length;
        const char *what;
    } contents[] = {
        {"Salted__", 8, "encrypted"},
        {"\377\006\000\000sNaPpY", 10, "compressed with snappy"},
        {"pghoa1", 6, "encrypted (pghoard)"},
        {"-----BEGIN PGP MESSAGE", 22, "encrypted (GnuPG)"},
    };
    for (size_t i = 0; i < sizeof contents / sizeof *contents; i++)
        if (size >= contents[i].length && memcmp(head, contents[i].magic, contents[i].length) == 0)
            return contents[i].what;
    return NULL;
}

/* The content says what the coding is. Where the name says that there is one and the content shows
 * none, it is a cipher's that leaves no trace, or damage. */
static const struct codec *find_codec(const struct object *object, const unsigned char *coded,
                                      size_t size, struct error *error)
{
    const char *unreadable =
        object->unreadable ? object->unreadable : unreadable_content(coded, size);
    const struct codec *codec = codec_detect(coded, size);
    if (unreadable) {
        error_set(error, ERROR_REFUSED, "it is %s, which can't be read here", unreadable);
        return NULL;
    }
    if (codec->magic_length == 0 && object->codec->magic_length && size) {
        error_set(error, ERROR_CORRUPT,
                  "it holds no %s data: damaged, or encrypted by another tool",
                  object->codec->name);
        return NULL;
    }
    return codec;
}

static int start_sha1(struct reader *reader, const struct object *object, struct error *error)
{
    if (!*object->sha1)
        return 0;
    memcpy(reader->sha1_told, object->sha1, sizeof object->sha1);
    reader->sha1 = sha1_open(error);
    return reader->sha1 ? 0 : -1;
}

static int start_decoder(struct reader *reader, const struct object *object, struct error *error)
{
    size_t skip = reader->labelled ? label_skip(reader->head, reader->head_length) : 0;
    reader->head_used = skip;
    const struct codec *codec =
        find_codec(object, reader->head + skip, reader->head_filled - skip, error);
    if (!codec)
        return -1;
    reader->decoder = decoder_open(codec, (struct source){read_object, reader}, error);
    reader->digest = reader->decoder ? digest_open(error) : NULL;
    if (!reader->digest)
        return -1;
    reader->portions[0] = malloc(READER_PORTION);
    reader->portions[1] = malloc(READER_PORTION);
    return reader->portions[0] && reader->portions[1] ? 0 : error_memory(error);
}

/* A key that says nothing is that of a file whose name was given. */
static int start(struct reader *reader, const char *key, const struct wal_name *name,
                 struct error *error)
{
    struct object object;
    if (!object_parse(key, &object))
        object_parse(name->text, &object);
    return read_label(reader, name, error) || start_decoder(reader, &object, error) ||
                   start_sha1(reader, &object, error)
               ? -1
               : 0;
}

struct reader *reader_open(struct archive *archive, const char *key, const struct wal_name *name,
                           struct error *error)
{
    struct storage_download *download = storage_download(archive->storage, key, error);
    if (!download)
        return NULL;
    struct reader *reader = calloc(1, sizeof *reader);
    if (!reader) {
        storage_download_close(download);
        error_memory(error);
        return NULL;
    }
    reader->download = download;
    reader->stored_crc = WAL_CRC32C_INIT;
    reader->raw_limit = UINT64_MAX;
    if (start(reader, key, name, error)) {
        reader_close(reader);
        error_prefix(error, "%s: ", key);
        return NULL;
    }
    if (reader->labelled)
        reader->raw_limit = reader->label.raw_size;
    return reader;
}

void reader_close(struct reader *reader)
{
    if (!reader)
        return;
    decoder_close(reader->decoder);
    digest_close(reader->digest);
    sha1_close(reader->sha1);
    free(reader->portions[0]);
    free(reader->portions[1]);
    storage_download_close(reader->download);
    free(reader);
}

const struct label *reader_label(const struct reader *reader)
{
    return reader->labelled ? &reader->label : NULL;
}

void reader_limit(struct reader *reader, uint64_t bytes)
{
    if (bytes < reader->raw_limit)
        reader->raw_limit = bytes;
}

const char *reader_sha256(const struct reader *reader)
{
    return reader->hex;
}

/* ---- reading ---- */

static int finish_sha1(struct reader *reader, struct error *error)
{
    char hex[SHA1_HEX_SIZE + 1];
    if (!reader->sha1)
        return 0;
    if (sha1_finish(reader->sha1, hex, error))
        return -1;
    if (strcmp(hex, reader->sha1_told) != 0)
        return error_set(error, ERROR_CORRUPT,
                         "damaged in the archive: the content's SHA-1 is %s, not that of its name",
                         hex);
    return 0;
}

static int finish(struct reader *reader, struct error *error)
{
    if (digest_finish(reader->digest, reader->hex, error) || finish_sha1(reader, error))
        return -1;
    const struct label *label = reader_label(reader);
    if (!label)
        return 0;
    if (reader->stored_seen != label->stored_size || ~reader->stored_crc != label->stored_crc32c)
        return error_set(error, ERROR_CORRUPT,
                         "damaged in the archive: the stored bytes don't have the label's CRC");
    if (reader->raw_seen != label->raw_size || strcmp(reader->hex, label->raw_sha256) != 0)
        return error_set(error, ERROR_CORRUPT,
                         "damaged in the archive: the content's SHA-256 is %s, its label says %s",
                         reader->hex, label->raw_sha256);
    return 0;
}

static ssize_t decode(struct reader *reader, unsigned char *portion, struct error *error)
{
    ssize_t n = source_fill(decoder_source(reader->decoder), portion, READER_PORTION, error);
    if (n < 0)
        return -1;
    reader->raw_seen += (size_t)n;
    if (reader->raw_seen > reader->raw_limit)
        return error_set(error, ERROR_CORRUPT, "it holds more than %" PRIu64 " bytes",
                         reader->raw_limit);
    return n;
}

ssize_t reader_next(struct reader *reader, const void **data, struct error *error)
{
    reader->current = !reader->current;
    unsigned char *portion = reader->portions[reader->current];
    *data = portion;
    ssize_t n = decode(reader, portion, error);
    if (n == 0)
        return finish(reader, error);
    if (n < 0 || digest_add(reader->digest, portion, (size_t)n, error) ||
        (reader->sha1 && sha1_update(reader->sha1, portion, (size_t)n, error)))
        return -1;
    return n;
}

static int append_all(struct reader *reader, struct buf *text, struct error *error)
{
    const void *data;
    ssize_t n;
    reader_limit(reader, WAL_HISTORY_SIZE_MAX);
    while ((n = reader_next(reader, &data, error)) > 0)
        if (buf_append(text, data, (size_t)n, error))
            return -1;
    return n < 0 ? -1 : 0;
}

int reader_text(struct archive *archive, const char *key, const struct wal_name *name,
                struct buf *text, struct error *error)
{
    struct reader *reader = reader_open(archive, key, name, error);
    if (!reader)
        return -1;
    text->length = 0;
    int result = append_all(reader, text, error);
    reader_close(reader);
    if (result)
        return -1;
    return wal_history_check(name, text->data ? text->data : "", text->length, error);
}

int reader_first_page(struct archive *archive, const char *key, const struct wal_name *name,
                      struct wal_page *page, struct error *error)
{
    struct reader *reader = reader_open(archive, key, name, error);
    if (!reader)
        return -1;
    const void *data;
    ssize_t n = reader_next(reader, &data, error);
    bool is_wal =
        n > 0 && wal_page_decode(data, (size_t)n, page) && page->flags & WAL_PAGE_LONG_HEADER;
    reader_close(reader);
    if (n < 0)
        return error_prefix(error, "%s: ", key);
    return is_wal ? 0 : error_set(error, ERROR_CORRUPT, "%s holds no WAL", key);
}
