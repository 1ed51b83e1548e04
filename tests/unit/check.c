/* Objects are checked: every single bit of labelled objects flipped in turn, in every coding that
 * has a label. */
#include "verify/check.h"
#include "archive/push.h"
#include "base/error.h"
#include "base/file.h"
#include "tap.h"
#include "wal_builder.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const uint64_t owner = 0x1122334455667788;

static void write_file(const char *path, const void *data, size_t size)
{
    struct error error;
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (fd < 0 || file_write(fd, path, data, size, &error))
        abort();
    close(fd);
}

/* A server's directories, and an archive beside them; the working directory is the server's. */
static void make_server(void)
{
    char directory[] = "/tmp/check.XXXXXX";
    unsigned char control[8192] = {0};
    builder_put(control, owner, 8);
    if (!mkdtemp(directory) || chdir(directory) || mkdir("global", 0700) || mkdir("pg_wal", 0700) ||
        mkdir("archive", 0700))
        abort();
    write_file("global/pg_control", control, sizeof control);
}

static void remove_server(void)
{
    char command[300], *directory = getcwd(NULL, 0);
    snprintf(command, sizeof command, "rm -rf '%s'", directory);
    if (chdir("/") || system(command))
        abort();
    free(directory);
}

static void write_segment(void)
{
    struct wal_builder b = builder_new(3);
    builder_record(&b, 100);
    builder_switch(&b);
    write_file("pg_wal/000000020000000000000003", b.data, BUILDER_SIZE);
    builder_free(&b);
}

static void write_history(void)
{
    static const char text[] = "1\t0/300000\tno recovery target specified\n";
    write_file("pg_wal/00000002.history", text, sizeof text - 1);
}

/* Is this bit's flip found? The bit is as it was afterwards. */
static bool is_found(struct check *check, const char *key, int fd, size_t bit, unsigned char byte)
{
    struct check_result result;
    struct error error;
    unsigned char flipped = byte ^ (unsigned char)(1 << bit % 8);
    if (pwrite(fd, &flipped, 1, (off_t)(bit / 8)) != 1)
        abort();
    bool found = check_object(check, key, NULL, &result, &error) == -1 &&
                 (error.class == ERROR_CORRUPT || error.class == ERROR_REFUSED);
    if (pwrite(fd, &byte, 1, (off_t)(bit / 8)) != 1)
        abort();
    return found;
}

static size_t count_missed(struct check *check, const char *key, const char *path)
{
    enum { SMALL = 512, STRIDE = 13 }; /* bytes, bits */
    struct error error;
    struct buf content = {0};
    size_t missed = 0;
    int fd = open(path, O_RDWR);
    if (fd < 0 || file_slurp(AT_FDCWD, path, BUILDER_SIZE, &content, &error))
        abort();
    size_t stride = content.length <= SMALL ? 1 : STRIDE;
    for (size_t bit = 0; bit < 8 * content.length; bit += stride)
        missed += !is_found(check, key, fd, bit, (unsigned char)content.data[bit / 8]);
    close(fd);
    printf("# %s: %zu bits\n", key, 8 * content.length);
    buf_free(&content);
    return missed;
}

static void test_object(struct check *check, const char *file, const char *coding,
                        const char *suffix)
{
    struct error error = {.class = ERROR_NONE};
    struct check_result result;
    char key[64], path[80];
    snprintf(key, sizeof key, "%s%s", strrchr(file, '/') + 1, suffix);
    snprintf(path, sizeof path, "archive/%s", key);
    codec_choice_parse(coding, &check->archive->coding, &error);
    char *files[] = {(char *)file, NULL};
    if (archive_push(check->archive, files, IDENTITY_IF_UNUSED, &error))
        printf("# %s\n", error.message);
    is_int(check_object(check, key, NULL, &result, &error), 0, "%s is whole", key);
    is_int(count_missed(check, key, path), 0, "%s: all flipped bits are found", key);
    unlink(path);
}

int main(void)
{
    static const char *const codings[][2] = {
        {"zstd:1", ".zst"}, {"gzip:6", ".gz"}, {"lz4:1", ".lz4"}};
    struct error error;
    make_server();
    write_segment();
    write_history();
    struct archive archive = {.operand = "archive", .location = "./archive", .cache = "none"};
    struct check check = {.archive = &archive, .owner = owner};
    if (archive_open(&archive, &error))
        abort();
    for (size_t i = 0; i < sizeof codings / sizeof *codings; i++) {
        test_object(&check, "pg_wal/000000020000000000000003", codings[i][0], codings[i][1]);
        test_object(&check, "pg_wal/00000002.history", codings[i][0], codings[i][1]);
    }
    check_free(&check);
    archive_close(&archive);
    remove_server();
    return done_testing();
}
