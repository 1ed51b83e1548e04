/* A directory as storage: create-only, order of listing, what is refused, what is left behind. */
#include "base/error.h"
#include "base/tempfile.h"
#include "storage/storage.h"
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct storage_options options = {.timeout = 1000};

static char scratch[] = "/tmp/waltools-unit-XXXXXX";

static int remove_entry(const char *path, const struct stat *status, int flag, struct FTW *ftw)
{
    (void)status, (void)flag, (void)ftw;
    return remove(path);
}

static bool exists(const char *path)
{
    return access(path, F_OK) == 0;
}

struct names {
    int count;
    bool sorted;
    char last[256];
    int stop_at;
};

static int collect(void *context, const struct storage_entry *entry, struct error *error)
{
    const char *name = entry->name;
    struct names *names = context;
    if (names->count && strcmp(names->last, name) >= 0)
        names->sorted = false;
    snprintf(names->last, sizeof names->last, "%s", name);
    if (++names->count != names->stop_at)
        return 0;
    return names->stop_at == 3 ? 1 : error_set(error, ERROR_SYSTEM, "stopped by the visitor");
}

static struct names list(struct storage *storage, const char *prefix, const char *after,
                         int stop_at, int expected)
{
    struct error error;
    struct names names = {.sorted = true, .stop_at = stop_at};
    const struct storage_query query = {.prefix = prefix, .after = after};
    is_int(storage_list(storage, &query, collect, &names, &error), expected,
           "list \"%s\" after \"%s\"", prefix, after);
    return names;
}

static void test_list(struct storage *storage)
{
    enum { MANY = 70000 };
    for (int i = 0; i < MANY; i++) {
        char name[256];
        /* made in an order that is not the sorted one; long, so that one pass can't hold them */
        snprintf(name, sizeof name, "n%06d%0246d", (int)((i * 7919L) % MANY), 0);
        int fd = open(name, O_CREAT | O_WRONLY, 0600);
        close(fd);
    }
    struct names names = list(storage, "n", "", 0, 0);
    is_int(names.count, MANY, "every name once, over several passes");
    ok(names.sorted, "in order");
    names = list(storage, "n0699", "n069950", 0, 0);
    is_int(names.count, 50, "prefix and start");
    ok(strncmp(names.last, "n069999", 7) == 0, "to the end");
    is_int(list(storage, "n", "", 3, 0).count, 3, "the visitor can stop it");
    is_int(list(storage, "n", "", 4, -1).count, 4, "or make it fail");
    is_int(list(storage, "zzz", "", 0, 0).count, 0, "nothing is no error");
}

static ssize_t get(struct storage *storage, const char *key, char *data, size_t size,
                   struct error *error)
{
    struct storage_download *download = storage_download(storage, key, error);
    if (!download)
        return -1;
    ssize_t n = storage_download_read(download, data, size, error);
    storage_download_close(download);
    return n;
}

static void test_put(struct storage *storage)
{
    struct error error;
    char data[16] = "";
    is_int(storage_put(storage, "a/b/one", "first", 5, NULL, &error), 0, "put makes directories");
    is_int(storage_put(storage, "a/b/one", "other", 5, NULL, &error), -1, "a second put fails");
    is_int(error.class, ERROR_EXISTS, "as existing");
    is_int(get(storage, "a/b/one", data, sizeof data, &error), 5, "the first is there");
    ok(memcmp(data, "first", 5) == 0, "unchanged");
    is_int(get(storage, "a/b/two", data, sizeof data, &error), -1, "another is not");
    is_int(error.class, ERROR_MISSING, "which is missing");
    is_int(get(storage, "nowhere/two", data, sizeof data, &error), -1, "nor in another directory");
    is_int(error.class, ERROR_MISSING, "which is missing too");

    struct storage_upload *upload = storage_upload(storage, "headed", 4, &error);
    storage_upload_write(upload, "tail", 4, &error);
    ok(!exists("headed"), "nothing before the commit");
    is_int(storage_upload_commit(upload, &(struct storage_commit){.head = "HEAD"}, &error), 0,
           "commit");
    storage_upload_close(upload);
    is_int(get(storage, "headed", data, sizeof data, &error), 8, "head and tail");
    ok(memcmp(data, "HEADtail", 8) == 0, "in order");

    const char *const rivals[] = {"absent", "headed", NULL};
    upload = storage_upload(storage, "late", 0, &error);
    is_int(storage_upload_commit(upload, &(struct storage_commit){.rivals = rivals}, &error), -1,
           "a rival is there");
    is_int(error.class, ERROR_EXISTS, "as existing");
    storage_upload_close(upload);
    ok(!exists("late"), "and nothing was made");
    unlink(".waltools/tmp/lock");
    is_int(rmdir(".waltools/tmp"), 0, "no temporary file is left");
}

static void test_links(struct storage *storage)
{
    struct error error;
    char data[16];
    symlink("/etc/passwd", "out");
    is_int(get(storage, "out", data, sizeof data, &error), -1, "a symbolic link is not followed");
    is_int(error.class, ERROR_REFUSED, "but refused");
    symlink("/tmp", "dir");
    is_int(storage_put(storage, "dir/x", "", 0, NULL, &error), -1, "nor is one to a directory");
    is_int(error.class, ERROR_REFUSED, "but refused");
    mkfifo("fifo", 0600);
    is_int(get(storage, "fifo", data, sizeof data, &error), -1, "a fifo does not hang");
    is_int(error.class, ERROR_REFUSED, "but is refused");
}

static void count_failed(void *context, const char *key, const struct error *error)
{
    (void)key, (void)error;
    ++*(int *)context;
}

static void test_remove(struct storage *storage)
{
    static const char *const keys[] = {"a/b/one", "absent", "blocked", "headed"};
    struct error error;
    int failed = 0;
    mkdir("blocked", 0700);
    is_int(storage_remove(storage, keys, 4, count_failed, &failed, &error), 0, "remove");
    is_int(failed, 1, "one could not be removed");
    ok(!exists("a/b/one") && !exists("headed"), "the others are gone");
}

static void test_tempfile(void)
{
    struct error error;
    struct tempfile live, other;
    int directory = open(".", O_RDONLY | O_DIRECTORY);
    tempfile_create(&live, directory, "temp-", &error);
    is_int(fcntl(live.fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC, "not inherited by programs");
    int fd = open("temp-dead", O_CREAT | O_WRONLY, 0600);
    close(fd);
    tempfile_sweep(directory, "temp-");
    ok(!exists("temp-dead"), "what nobody holds is swept");
    ok(exists(live.name), "what is being written is not");
    is_int(tempfile_create(&other, directory, "temp-", &error), 0, "another can be made");
    tempfile_discard(&other);
    tempfile_discard(&live);
    tempfile_discard(&live);
    close(directory);
}

static void test_open(void)
{
    struct error error;
    struct {
        const char *location;
        enum error_class class;
    } cases[] = {{"/nonexistent/archive", ERROR_UNREACHABLE},
                 {"/etc/passwd", ERROR_USAGE},
                 {"relative/path", ERROR_USAGE},
                 {"gopher://x", ERROR_USAGE},
                 {"", ERROR_USAGE}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ok(!storage_open(cases[i].location, &options, &error), "\"%s\" can't be opened",
           cases[i].location);
        is_int(error.class, cases[i].class, "for the right reason: %s", error.message);
    }
}

int main(void)
{
    struct error error;
    char location[64];
    if (!mkdtemp(scratch) || chdir(scratch))
        return 1;
    snprintf(location, sizeof location, "file://%s", scratch);
    struct storage *storage = storage_open(location, &options, &error);
    if (!ok(storage != NULL, "file:// opens a directory"))
        return 1;
    test_open();
    test_put(storage);
    test_links(storage);
    test_remove(storage);
    test_tempfile();
    test_list(storage);
    storage_close(storage);
    nftw(scratch, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    return done_testing();
}
