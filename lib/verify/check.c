#include "verify/check.h"
#include "archive/object.h"
#include "archive/reader.h"
#include "archive/records.h"
#include "base/error.h"
#include "wal/history.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* One object on its way through the checks. */
struct pass {
    struct check *check;
    const struct object *object;
    struct reader *reader;
    struct check_result *result;
    struct wal_carry *carry; /* NULL: its records are of no interest if it has a digest */
    struct wal_carry before; /* what the segment before has left */
    struct wal_segment segment;
    bool is_old;      /* its page headers can't be read: 9.2 and older */
    bool keeps;       /* the whole content is kept, for its records */
    struct error bad; /* what is wrong with the content itself; ERROR_NONE: nothing so far */
};

void check_free(struct check *check)
{
    if (check->whole)
        munmap(check->whole, check->room);
    check->whole = NULL;
    check->room = 0;
}

static int check_cluster(const struct check *check, uint64_t cluster, struct error *error)
{
    if (!check->owner || cluster == check->owner)
        return 0;
    return error_set(error, ERROR_REFUSED,
                     "it is another cluster's: system identifier %" PRIu64
                     ", the archive's is %" PRIu64,
                     cluster, check->owner);
}

/* A number behind the name means another place with each size. */
static int check_size(const struct check *check, uint32_t size, struct error *error)
{
    if (!check->size || size == check->size)
        return 0;
    return error_set(error, ERROR_REFUSED,
                     "it is a segment of %" PRIu32 " bytes, the archive's first are of %" PRIu32,
                     size, check->size);
}

/* ---- the content of segments ---- */

/* Pages that were never written take no memory. */
static int make_room(struct check *check, size_t size, struct error *error)
{
    if (check->room == size)
        return 0;
    check_free(check);
    void *whole = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (whole == MAP_FAILED)
        return error_memory(error);
    check->whole = whole;
    check->room = size;
    return 0;
}

/* PostgreSQL 9.2 and older: the first page tells whose and where it is. */
static int check_old_page(const struct pass *pass, const struct wal_page *page, struct error *error)
{
    uint64_t address;
    if (wal_name_address(&pass->object->name, page->segment_size, &address) &&
        address == page->address)
        return 0;
    return error_set(error, ERROR_REFUSED,
                     "it holds another segment, which begins at %" PRIX64 "/%08" PRIX32,
                     page->address >> 32, (uint32_t)page->address);
}

static bool is_possible(uint32_t size)
{
    return size >= WAL_SEGMENT_SIZE_MIN && size <= WAL_SEGMENT_SIZE_MAX && !(size & (size - 1));
}

static int check_first_page(struct pass *pass, const void *data, size_t size, struct error *error)
{
    const struct label *label = reader_label(pass->reader);
    struct wal_page page = {0};
    bool is_wal = wal_page_decode(data, size, &page) && is_possible(page.segment_size);
    pass->is_old = is_wal && wal_magic_age(page.magic) == WAL_MAGIC_TOO_OLD;
    if (pass->is_old) {
        pass->segment = (struct wal_segment){.first = page};
        return check_old_page(pass, &page, error);
    }
    uint64_t file_size = label ? label->raw_size : is_wal ? page.segment_size : size;
    return wal_segment_open(&pass->segment, &pass->object->name, data, size, file_size, error);
}

/* Will its records be looked at, once all of it is there? */
static bool wants_records(const struct pass *pass)
{
    bool has_digest = reader_label(pass->reader) || *pass->object->sha1;
    bool can = wal_magic_record_format(pass->segment.first.magic) == WAL_RECORD_FORMAT_CRC32C;
    if (!has_digest || pass->carry)
        pass->result->reach = can ? CHECK_ALL : CHECK_HEADERS;
    return can && (!has_digest || pass->carry);
}

static int begin(struct pass *pass, const void *data, size_t size, struct error *error)
{
    if (check_first_page(pass, data, size, error) ||
        check_cluster(pass->check, pass->segment.first.system_identifier, error))
        return -1;
    uint32_t segment_size = pass->segment.first.segment_size;
    if (check_size(pass->check, segment_size, error))
        return -1;
    reader_limit(pass->reader, segment_size);
    pass->keeps = wants_records(pass);
    return pass->keeps ? make_room(pass->check, segment_size, error) : 0;
}

static int judge_portion(struct pass *pass, const void *data, size_t size, struct error *error)
{
    if (pass->result->raw == 0 && begin(pass, data, size, error))
        return -1;
    if (pass->keeps)
        memcpy(pass->check->whole + pass->result->raw, data, size);
    return pass->keeps || pass->is_old ? 0 : wal_segment_next(&pass->segment, data, size, error);
}

/* A failure of ours, not of the content? */
static bool is_ours(const struct error *error)
{
    return error->class != ERROR_NONE && error->class != ERROR_CORRUPT &&
           error->class != ERROR_REFUSED;
}

/* All of it is read whatever is wrong with the content: damage that the coding or a digest tells
 * explains what a page seems to say. */
static int read_segment(struct pass *pass, struct error *error)
{
    const void *data;
    ssize_t n;
    reader_limit(pass->reader, WAL_SEGMENT_SIZE_MAX);
    while ((n = reader_next(pass->reader, &data, error)) > 0) {
        if (pass->bad.class == ERROR_NONE)
            judge_portion(pass, data, (size_t)n, &pass->bad);
        if (is_ours(&pass->bad))
            break;
        pass->result->raw += (size_t)n;
    }
    if (n < 0)
        return -1;
    *error = pass->bad;
    return error->class == ERROR_NONE ? 0 : -1;
}

/* pg_receivewal writes a partial as it comes, and no further. */
static bool may_be_short(const struct pass *pass)
{
    return pass->object->name.kind == WAL_PARTIAL && !reader_label(pass->reader);
}

static int check_length(struct pass *pass, struct error *error)
{
    uint32_t size = pass->segment.first.segment_size;
    uint64_t raw = pass->result->raw;
    if (raw == 0 || (raw < size && !may_be_short(pass)))
        return error_set(error, ERROR_CORRUPT, "it holds only %" PRIu64 " bytes", raw);
    if (pass->keeps && raw < size)
        memset(pass->check->whole + raw, 0, size - raw);
    return 0;
}

static int check_records(struct pass *pass, struct error *error)
{
    struct archive *archive = pass->check->archive;
    const struct wal_name *name = &pass->object->name;
    const void *whole = pass->check->whole;
    size_t size = pass->segment.first.segment_size;
    struct wal_walk *walk = &pass->result->walk;
    struct wal_carry carry = pass->before;
    struct error ignored;
    int result = records_check(archive, name, whole, size, &carry, walk, error);
    if (result && pass->before.known)
        records_check(archive, name, whole, size, &carry, walk, &ignored);
    if (pass->carry)
        *pass->carry = carry;
    return result;
}

static int check_segment(struct pass *pass, struct error *error)
{
    if (pass->carry) {
        pass->before = *pass->carry;
        *pass->carry = (struct wal_carry){0};
    }
    if (read_segment(pass, error) || check_length(pass, error))
        return -1;
    return pass->keeps ? check_records(pass, error) : 0;
}

/* ---- histories and backup histories ---- */

static int append_all(struct pass *pass, struct buf *text, struct error *error)
{
    const void *data;
    ssize_t n;
    reader_limit(pass->reader, WAL_HISTORY_SIZE_MAX);
    while ((n = reader_next(pass->reader, &data, error)) > 0)
        if (buf_append(text, data, (size_t)n, error))
            return -1;
    return n < 0 ? -1 : 0;
}

static int check_text(struct pass *pass, struct error *error)
{
    struct buf text = {0};
    int result = append_all(pass, &text, error);
    if (result == 0)
        result =
            wal_history_check(&pass->object->name, text.data ? text.data : "", text.length, error);
    pass->result->raw = text.length;
    buf_free(&text);
    return result;
}

/* ---- any object ---- */

static int check_label(const struct pass *pass, struct error *error)
{
    const struct label *label = reader_label(pass->reader);
    return label ? check_cluster(pass->check, label->system_identifier, error) : 0;
}

int check_object(struct check *check, const char *key, struct wal_carry *carry,
                 struct check_result *result, struct error *error)
{
    struct object object;
    struct pass pass = {.check = check, .object = &object, .result = result, .carry = carry};
    *result = (struct check_result){.raw = 0};
    if (!object_parse(key, &object))
        return error_set(error, ERROR_REFUSED, "it is no WAL file");
    pass.reader = reader_open(check->archive, key, &object.name, error);
    if (!pass.reader)
        return -1;
    bool is_segment = object.name.kind == WAL_SEGMENT || object.name.kind == WAL_PARTIAL;
    int done = is_segment ? check_segment(&pass, error) : check_text(&pass, error);
    if (done == 0)
        done = check_label(&pass, error);
    reader_close(pass.reader);
    return done;
}
