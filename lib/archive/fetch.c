#include "archive/fetch.h"
#include "archive/absence.h"
#include "archive/datadir.h"
#include "archive/delivery.h"
#include "archive/existing.h"
#include "archive/object.h"
#include "archive/reader.h"
#include "archive/records.h"
#include "archive/walfile.h"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/signals.h"
#include "run/retry.h"
#include "wal/history.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

/* What is asked for, where it goes, and in which race, if in one. */
struct order {
    const struct wal_name *name;
    const char *destination;
    struct fetch_race *race;
    size_t runner;
    struct label *label; /* of the copy that is delivered; NULL: not asked for */
};

/* One copy on its way from the archive to the destination. */
struct fetch {
    struct archive *archive;
    const struct order *order;
    const struct wal_name *name;
    struct reader *reader;
    struct delivery delivery;
    struct wal_segment segment;
    uint64_t size; /* bytes so far */
};

static bool is_segment(const struct fetch *fetch)
{
    return fetch->name->kind == WAL_SEGMENT || fetch->name->kind == WAL_PARTIAL;
}

static int check_cluster(const struct fetch *fetch, uint64_t archived, struct error *error)
{
    struct error ignored;
    uint64_t server;
    if (datadir_system_identifier(fetch->delivery.destination, &server, &ignored) ||
        server == archived)
        return 0;
    return error_set(error, ERROR_REFUSED,
                     "it is another cluster's: system identifier %" PRIu64
                     ", this server's is %" PRIu64,
                     archived, server);
}

/* The first portion tells how long the segment is; no more than that is ever written. */
static int check_start(struct fetch *fetch, const void *data, size_t size, struct error *error)
{
    const struct label *label = reader_label(fetch->reader);
    struct wal_page page;
    uint64_t file_size = label ? label->raw_size : size;
    if (!label && wal_page_decode(data, size, &page) && page.segment_size)
        file_size = page.segment_size;
    if (wal_segment_open(&fetch->segment, fetch->name, data, size, file_size, error) ||
        check_cluster(fetch, fetch->segment.first.system_identifier, error))
        return -1;
    reader_limit(fetch->reader, fetch->segment.first.segment_size);
    return 0;
}

static int check_portion(struct fetch *fetch, const void *data, size_t size, struct error *error)
{
    if (!is_segment(fetch))
        return 0;
    if (fetch->size == 0 && check_start(fetch, data, size, error))
        return -1;
    return wal_segment_next(&fetch->segment, data, size, error);
}

/* What is refused for what it says of itself may be damaged: a coding may tell that at its end. */
static int refuse(struct fetch *fetch, struct error *error)
{
    const void *data;
    struct error damage;
    ssize_t n;
    if (error->class != ERROR_REFUSED)
        return -1;
    reader_limit(fetch->reader, WAL_SEGMENT_SIZE_MAX);
    while ((n = reader_next(fetch->reader, &data, &damage)) > 0)
        ;
    if (n < 0)
        *error = damage;
    return -1;
}

static int copy(struct fetch *fetch, struct error *error)
{
    const void *data;
    ssize_t n;
    while ((n = reader_next(fetch->reader, &data, error)) > 0) {
        if (check_portion(fetch, data, (size_t)n, error))
            return refuse(fetch, error);
        if (file_write(fetch->delivery.file.fd, fetch->delivery.destination, data, (size_t)n,
                       error))
            return -1;
        fetch->size += (size_t)n;
        if (fetch->order->race)
            fetch->order->race->arrived[fetch->order->runner]++;
    }
    return n < 0 ? -1 : 0;
}

/* ---- what can be judged only of the whole ---- */

static int check_text(const struct fetch *fetch, struct error *error)
{
    struct buf text = {0};
    int result = buf_reserve(&text, fetch->size, error);
    if (result == 0 &&
        pread(fetch->delivery.file.fd, text.data, fetch->size, 0) != (ssize_t)fetch->size)
        result = error_set_errno(error, ERROR_SYSTEM, "can't read the fetched file");
    if (result == 0)
        result = wal_history_check(fetch->name, text.data, fetch->size, error);
    buf_free(&text);
    return result;
}

/* A partial segment that pg_receivewal has compressed ends where the server had got to. As a file
 * of pg_wal it is as long as any segment. */
static int pad_partial(struct fetch *fetch, struct error *error)
{
    uint64_t size = fetch->segment.first.segment_size;
    if (fetch->name->kind != WAL_PARTIAL || reader_label(fetch->reader) || fetch->size == 0 ||
        fetch->size >= size)
        return 0;
    if (ftruncate(fetch->delivery.file.fd, (off_t)size) ||
        lseek(fetch->delivery.file.fd, 0, SEEK_END) < 0)
        return error_set_errno(error, ERROR_SYSTEM, "can't write the fetched file");
    fetch->size = size;
    return 0;
}

static int check_whole(struct fetch *fetch, struct error *error)
{
    const struct label *label = reader_label(fetch->reader);
    if (!is_segment(fetch))
        return check_text(fetch, error) ||
                       (label && check_cluster(fetch, label->system_identifier, error))
                   ? -1
                   : 0;
    if (pad_partial(fetch, error))
        return -1;
    if (fetch->size == 0 || fetch->size != fetch->segment.first.segment_size)
        return error_set(error, ERROR_CORRUPT, "it holds only %" PRIu64 " bytes", fetch->size);
    return label ? 0
                 : records_check_file(fetch->archive, fetch->name, fetch->delivery.file.fd,
                                      fetch->size, error);
}

/* ---- one copy, every copy, every attempt ---- */

static int take_place(const struct order *order, struct error *error)
{
    if (!order->race || !atomic_exchange(&order->race->taken, true))
        return 0;
    return error_set(error, ERROR_SYSTEM, "another archive was faster");
}

static int deliver(struct fetch *fetch, struct error *error)
{
    if (!is_segment(fetch))
        reader_limit(fetch->reader, WAL_HISTORY_SIZE_MAX);
    if (delivery_open(&fetch->delivery, fetch->order->destination, error))
        return -1;
    int result = copy(fetch, error);
    if (result == 0)
        result = check_whole(fetch, error);
    if (result == 0)
        result = take_place(fetch->order, error);
    if (result == 0)
        result = delivery_commit(&fetch->delivery, error);
    delivery_close(&fetch->delivery);
    return result;
}

static int fetch_copy(struct archive *archive, const struct order *order, const char *key,
                      struct error *error)
{
    struct fetch fetch = {.archive = archive, .order = order, .name = order->name};
    fetch.reader = reader_open(archive, key, order->name, error);
    if (!fetch.reader)
        return -1;
    int result = deliver(&fetch, error);
    if (result == 0 && order->label && reader_label(fetch.reader))
        *order->label = *reader_label(fetch.reader);
    reader_close(fetch.reader);
    if (result)
        return error_prefix(error, "%s: ", key);
    log_info("fetched %s", key);
    return 0;
}

/* Ours are found where they must be, without asking whose archive it is; only what is not there is
 * looked for in the ways of other tools. */
static int find_copies(struct archive *archive, const struct wal_name *name,
                       struct existing *existing, struct error *error)
{
    if (existing_find(archive, name, existing, error))
        return -1;
    if (existing->count || archive->layout.known)
        return 0;
    if (archive_recognise(archive, error))
        return -1;
    return archive->owner ? 0 : existing_find(archive, name, existing, error);
}

/* Names with digests tell that contents differ, and nobody but the user knows which is right. */
static int check_one_content(const struct existing *existing, struct error *error)
{
    struct object first, other;
    for (size_t i = 1; i < existing->count; i++)
        if (object_parse(existing->keys[0].text, &first) &&
            object_parse(existing->keys[i].text, &other) && strcmp(first.sha1, other.sha1) != 0)
            return error_set(error, ERROR_REFUSED,
                             "the archive has it twice, with other content: %s and %s. Two servers "
                             "have written it; move the wrong one away",
                             existing->keys[0].text, existing->keys[i].text);
    return 0;
}

/* What the first attempt failed with is in `error`, and stays there unless there is better. */
static int fetch_other(struct archive *archive, const struct order *order, struct error *error)
{
    struct existing existing;
    struct error next;
    struct object_key usual = object_key(order->name, archive->coding.codec);
    if (find_copies(archive, order->name, &existing, &next) ||
        check_one_content(&existing, &next)) {
        if (error->class == ERROR_MISSING)
            *error = next;
        return -1;
    }
    for (size_t i = 0; i < existing.count; i++) {
        const char *key = existing.keys[i].text;
        if (strcmp(key, usual.text) == 0 && error->class == ERROR_CORRUPT)
            continue;
        if (fetch_copy(archive, order, key, &next) == 0) {
            if (error->class == ERROR_CORRUPT)
                log_warning("%s; took another copy", error->message);
            return 0;
        }
        if (next.class == ERROR_MISSING)
            error_set(&next, ERROR_UNREACHABLE, "the archive lists %s, but does not have it", key);
        if (error->class == ERROR_MISSING)
            *error = next;
        if (next.class != ERROR_MISSING && next.class != ERROR_CORRUPT)
            return -1;
    }
    return -1;
}

/* Tries the configured coding, then the others. A damaged copy does not hide a good one; when there
 * is no good one, the first failure is what is told. */
static int fetch_any(struct archive *archive, const struct order *order, struct error *error)
{
    struct object_key usual = object_key(order->name, archive->coding.codec);
    int result = fetch_copy(archive, order, usual.text, error);
    if (result && (error->class == ERROR_MISSING || error->class == ERROR_CORRUPT))
        result = fetch_other(archive, order, error);
    if (result && error->class == ERROR_MISSING)
        return absence_judge(archive, order->name, order->destination, error);
    return result;
}

static int fetch_once(struct archive *archive, const struct order *order, struct error *error)
{
    if (archive_open(archive, error))
        return error_prefix(error, "%s: ", order->name->text);
    int result = fetch_any(archive, order, error);
    archive_close(archive);
    return result;
}

int archive_fetch_in_race(struct archive *archive, const struct wal_name *name,
                          const char *destination, struct fetch_race *race, size_t runner,
                          struct error *error)
{
    return fetch_once(archive, &(struct order){name, destination, race, runner, NULL}, error);
}

int archive_fetch_labelled(struct archive *archive, const struct wal_name *name,
                           const char *destination, struct label *label, struct error *error)
{
    *label->name = '\0';
    return fetch_any(archive, &(struct order){name, destination, NULL, 0, label}, error);
}

/* Timeline 1 has no parent. */
int fetch_check_name(const struct wal_name *name, struct error *error)
{
    if (name->kind != WAL_HISTORY || name->timeline != 1)
        return 0;
    return error_set(error, ERROR_MISSING, "%s never exists", name->text);
}

int archive_fetch(struct archive *archive, const struct wal_name *name, const char *destination,
                  uint64_t patience, struct error *error)
{
    const struct order order = {name, destination, NULL, 0, NULL};
    struct retry retry;
    if (fetch_check_name(name, error))
        return -1;
    retry_start(&retry, patience);
    int result;
    do
        result = fetch_once(archive, &order, error);
    while (result && retry_again(&retry, error->class));
    /* A server that is being stopped need not hear of what failed before. */
    return result && signals_check(error) ? -1 : result;
}
