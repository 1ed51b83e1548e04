/* walcheck - runs wal_record_check_next over segment files, for tests that hold it against
 * pg_waldump.
 *
 *     walcheck PATH...
 *
 * The base name of each path is its WAL name. One behind the other, each is checked with what the
 * one before has left. One line a path, exit status 1 if any is an error:
 *
 *     000000010000000000000003 ok 1234 0/03FFFFD8 full 1764286964123456     (or: switch, stale)
 *     000000010000000000000004 error wrong CRC in the record at 0/04001C58
 *
 * The last column is the newest transaction's time, "none" when there is none.
 */
#include "base/buf.h"
#include "base/error.h"
#include "wal/record.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static int read_stream(FILE *stream, struct buf *content, struct error *error)
{
    size_t got;
    do {
        if (buf_reserve(content, 1 << 20, error))
            return -1;
        got = fread(content->data + content->length, 1, 1 << 20, stream);
        content->length += got;
    } while (got > 0);
    return ferror(stream) ? error_set_errno(error, ERROR_SYSTEM, "read") : 0;
}

static int read_file(const char *path, struct buf *content, struct error *error)
{
    FILE *stream = fopen(path, "rb");
    if (!stream)
        return error_set_errno(error, ERROR_SYSTEM, "open");
    int result = read_stream(stream, content, error);
    fclose(stream);
    return result;
}

static int check(const char *path, const char *base, struct wal_carry *carry, struct wal_walk *walk,
                 struct error *error)
{
    struct wal_name name;
    struct buf content = {0};
    if (!wal_name_parse(base, strlen(base), &name) ||
        (name.kind != WAL_SEGMENT && name.kind != WAL_PARTIAL))
        return error_set(error, ERROR_USAGE, "not a segment's name");
    int result = read_file(path, &content, error);
    if (result == 0)
        result = wal_record_check_next(&name, content.data, content.length, carry, walk, error);
    buf_free(&content);
    return result;
}

static void print_walk(const char *base, const struct wal_walk *walk)
{
    static const char *const ends[] = {
        [WAL_END_FULL] = "full", [WAL_END_SWITCH] = "switch", [WAL_END_STALE] = "stale"};
    printf("%s ok %" PRIu64 " %" PRIX64 "/%08" PRIX32 " %s ", base, walk->records,
           walk->end_address >> 32, (uint32_t)walk->end_address, ends[walk->end]);
    if (walk->commit_time == WAL_TIME_NONE)
        puts("none");
    else
        printf("%" PRIi64 "\n", walk->commit_time);
}

int main(int argc, char **argv)
{
    struct wal_carry carry = {0};
    int status = 0;
    for (int i = 1; i < argc; i++) {
        const char *slash = strrchr(argv[i], '/');
        const char *base = slash ? slash + 1 : argv[i];
        struct wal_walk walk;
        struct error error;
        if (check(argv[i], base, &carry, &walk, &error)) {
            printf("%s error %s\n", base, error.message);
            status = 1;
        } else {
            print_walk(base, &walk);
        }
    }
    return status;
}
