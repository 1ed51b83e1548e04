#include "archive/records.h"
#include "archive/timeline.h"
#include "base/error.h"

#include <inttypes.h>
#include <sys/mman.h>

/* Records that end before the segment does: as it should be where the timeline ends. In the middle
 * it is a copy whose tail was lost, cut behind a whole record by chance. */
static int check_end(struct archive *archive, const struct wal_name *name,
                     const struct wal_walk *walk, struct error *error)
{
    struct object_key later;
    if (name->kind != WAL_SEGMENT || walk->end != WAL_END_STALE)
        return 0;
    int found = timeline_goes_on(archive, name, &later, error);
    if (found <= 0)
        return found;
    return error_set(error, ERROR_CORRUPT,
                     "its records end at %" PRIX64 "/%08" PRIX32
                     ", though the timeline goes on, as %s shows",
                     walk->end_address >> 32, (uint32_t)walk->end_address, later.text);
}

/* An old timeline's last segment may be archived under its full name, cut off in the middle of a
 * record (a standby with archive_mode = always does so). It is whole when its records reach the
 * point at which the next timeline forked off. */
static bool is_cut_at_fork(struct archive *archive, const struct wal_name *name, const void *data,
                           size_t size, struct wal_walk *walk)
{
    struct wal_name partial = *name;
    struct error ignored;
    uint64_t fork;
    partial.kind = WAL_PARTIAL;
    return name->kind == WAL_SEGMENT && timeline_forks_within(archive, name, &fork, &ignored) > 0 &&
           wal_record_check(&partial, data, size, walk, &ignored) == 0 && walk->end_address >= fork;
}

int records_check(struct archive *archive, const struct wal_name *name, const void *data,
                  size_t size, struct wal_carry *carry, struct wal_walk *walk, struct error *error)
{
    if (wal_record_check_next(name, data, size, carry, walk, error) == 0)
        return check_end(archive, name, walk, error);
    bool excused = error->class == ERROR_CORRUPT && is_cut_at_fork(archive, name, data, size, walk);
    return excused ? 0 : -1;
}

int records_check_file(struct archive *archive, const struct wal_name *name, int fd, uint64_t size,
                       struct error *error)
{
    struct wal_carry unknown = {0};
    struct wal_walk walk;
    void *data = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
    if (data == MAP_FAILED)
        return error_set_errno(error, ERROR_SYSTEM, "can't map %s", name->text);
    int result = records_check(archive, name, data, size, &unknown, &walk, error);
    munmap(data, size);
    return result;
}
