#include "verify/verified.h"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/tempfile.h"
#include "wal/crc32c.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char title[] = "waltools-verified=1\n";
static const char temporary_prefix[] = ".walverify-";

enum { HEAD_LINES = 3, LINE_MAX_SIZE = 4096 + OBJECT_KEY_MAX };

struct verified {
    const char *path; /* borrowed, as the location */
    const char *location;
    uint64_t owner;
    FILE *old;                  /* behind its head; NULL: there is none */
    struct verified_entry next; /* of the old; "" as the key: none */
    int directory;
    struct tempfile file;
    FILE *new;
    uint32_t crc;
    uint64_t count;
};

/* ---- the old state ---- */

static bool read_entry(const char *line, struct verified_entry *entry)
{
    char key[OBJECT_KEY_MAX + 1], depth;
    int end = 0;
    _Static_assert(OBJECT_KEY_MAX == 114, "the width in the format");
    bool is_entry = sscanf(line, "%114s %" SCNu64 " %" SCNd64 " %c %" SCNd64 "%n", key,
                           &entry->size, &entry->time, &depth, &entry->when, &end) == 5 &&
                    line[end] == '\n';
    strcpy(entry->key.text, is_entry ? key : "");
    entry->records = depth == 'r';
    return is_entry;
}

static void advance(struct verified *verified)
{
    char line[LINE_MAX_SIZE];
    if (!verified->old || !fgets(line, sizeof line, verified->old) ||
        !read_entry(line, &verified->next))
        verified->next.key.text[0] = '\0';
}

static int not_ours(const struct verified *verified, const char *what, struct error *error)
{
    return error_set(error, ERROR_USAGE, "state file %s %s", verified->path, what);
}

/* Is the last line right? It counts the entries and sums up all that is before it. */
static bool is_end(const char *line, uint64_t count, uint32_t crc)
{
    char expected[80];
    snprintf(expected, sizeof expected, "end=%" PRIu64 " crc32c=%08" PRIx32 "\n", count, ~crc);
    return strcmp(line, expected) == 0;
}

static int damaged(struct verified *verified)
{
    log_warning("state file %s is damaged: it is made anew, and all is verified again",
                verified->path);
    fclose(verified->old);
    verified->old = NULL;
    return 0;
}

/* Reads it once to its end before a word of it is believed. */
static int check_lines(struct verified *verified)
{
    char line[LINE_MAX_SIZE];
    uint64_t lines = 0;
    uint32_t crc = WAL_CRC32C_INIT;
    while (fgets(line, sizeof line, verified->old)) {
        bool is_last = lines >= HEAD_LINES && is_end(line, lines - HEAD_LINES, crc);
        if (is_last && fgetc(verified->old) == EOF) {
            rewind(verified->old);
            return 0;
        }
        crc = wal_crc32c(crc, line, strlen(line));
        lines++;
    }
    return damaged(verified);
}

static int check_line(struct verified *verified, const char *expected, const char *what,
                      struct error *error)
{
    char line[LINE_MAX_SIZE];
    if (fgets(line, sizeof line, verified->old) && strcmp(line, expected) == 0)
        return 0;
    return not_ours(verified, what, error);
}

static int check_head(struct verified *verified, struct error *error)
{
    char archive[LINE_MAX_SIZE], cluster[64];
    snprintf(archive, sizeof archive, "archive=%s\n", verified->location);
    snprintf(cluster, sizeof cluster, "system-identifier=%" PRIu64 "\n", verified->owner);
    return check_line(verified, title, "is no state of walverify", error) ||
                   check_line(verified, archive, "is of another archive: give each its own",
                              error) ||
                   check_line(verified, cluster, "is of another cluster: remove it", error)
               ? -1
               : 0;
}

static int open_old(struct verified *verified, struct error *error)
{
    char line[sizeof title];
    verified->old = fopen(verified->path, "re");
    if (!verified->old && errno == ENOENT)
        return 0;
    if (!verified->old)
        return error_set_errno(error, ERROR_SYSTEM, "can't open state file %s", verified->path);
    if (!fgets(line, sizeof line, verified->old) || strcmp(line, title) != 0)
        return not_ours(verified, "is no state of walverify", error);
    rewind(verified->old);
    if (check_lines(verified) || (verified->old && check_head(verified, error)))
        return -1;
    advance(verified);
    return 0;
}

bool verified_find(struct verified *verified, const char *key, struct verified_entry *entry)
{
    while (*verified->next.key.text && strcmp(verified->next.key.text, key) < 0)
        advance(verified);
    if (strcmp(verified->next.key.text, key) != 0)
        return false;
    *entry = verified->next;
    advance(verified);
    return true;
}

/* ---- the new one ---- */

static int write_line(struct verified *verified, const char *line, struct error *error)
{
    verified->crc = wal_crc32c(verified->crc, line, strlen(line));
    if (fputs(line, verified->new) != EOF)
        return 0;
    return error_set_errno(error, ERROR_SYSTEM, "can't write state file %s", verified->path);
}

static int write_head(struct verified *verified, struct error *error)
{
    char line[LINE_MAX_SIZE];
    if (write_line(verified, title, error))
        return -1;
    snprintf(line, sizeof line, "archive=%s\n", verified->location);
    if (write_line(verified, line, error))
        return -1;
    snprintf(line, sizeof line, "system-identifier=%" PRIu64 "\n", verified->owner);
    return write_line(verified, line, error);
}

static int open_directory(struct verified *verified, struct error *error)
{
    const char *slash = strrchr(verified->path, '/');
    char *path =
        slash ? strndup(verified->path, (size_t)(slash - verified->path) + 1) : strdup(".");
    if (!path)
        return error_memory(error);
    verified->directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    free(path);
    if (verified->directory >= 0)
        return 0;
    return error_set_errno(error, ERROR_SYSTEM, "can't open the directory of state file %s",
                           verified->path);
}

static int open_new(struct verified *verified, struct error *error)
{
    if (open_directory(verified, error))
        return -1;
    tempfile_sweep(verified->directory, temporary_prefix);
    if (tempfile_create(&verified->file, verified->directory, temporary_prefix, error)) {
        error->class = ERROR_SYSTEM;
        return error_prefix(error, "state file %s: ", verified->path);
    }
    verified->new = fdopen(fcntl(verified->file.fd, F_DUPFD_CLOEXEC, 0), "w");
    if (!verified->new)
        return error_set_errno(error, ERROR_SYSTEM, "can't write state file %s", verified->path);
    return write_head(verified, error);
}

int verified_add(struct verified *verified, const struct verified_entry *entry, struct error *error)
{
    char line[LINE_MAX_SIZE];
    snprintf(line, sizeof line, "%s %" PRIu64 " %" PRId64 " %c %" PRId64 "\n", entry->key.text,
             entry->size, entry->time, entry->records ? 'r' : 'c', entry->when);
    verified->count++;
    return write_line(verified, line, error);
}

int verified_keep_rest(struct verified *verified, struct error *error)
{
    for (; *verified->next.key.text; advance(verified))
        if (verified_add(verified, &verified->next, error))
            return -1;
    return 0;
}

static int finish(struct verified *verified, struct error *error)
{
    char line[80];
    snprintf(line, sizeof line, "end=%" PRIu64 " crc32c=%08" PRIx32 "\n", verified->count,
             ~verified->crc);
    if (write_line(verified, line, error))
        return -1;
    if (fflush(verified->new))
        return error_set_errno(error, ERROR_SYSTEM, "can't write state file %s", verified->path);
    return file_sync(verified->file.fd, verified->path, error);
}

int verified_commit(struct verified *verified, struct error *error)
{
    const char *slash = strrchr(verified->path, '/');
    const char *name = slash ? slash + 1 : verified->path;
    if (finish(verified, error))
        return -1;
    if (renameat(verified->directory, verified->file.name, verified->directory, name))
        return error_set_errno(error, ERROR_SYSTEM, "can't rename to state file %s",
                               verified->path);
    free(verified->file.name);
    verified->file.name = NULL;
    return file_sync(verified->directory, verified->path, error);
}

/* ---- both ---- */

struct verified *verified_open(const char *path, const char *location, uint64_t owner,
                               struct error *error)
{
    struct verified *verified = calloc(1, sizeof *verified);
    if (!verified) {
        error_memory(error);
        return NULL;
    }
    verified->path = path;
    verified->location = location;
    verified->owner = owner;
    verified->directory = -1;
    verified->file = TEMPFILE_NONE;
    verified->crc = WAL_CRC32C_INIT;
    if (open_old(verified, error) || open_new(verified, error)) {
        verified_close(verified);
        return NULL;
    }
    return verified;
}

void verified_close(struct verified *verified)
{
    if (!verified)
        return;
    if (verified->old)
        fclose(verified->old);
    if (verified->new)
        fclose(verified->new);
    tempfile_discard(&verified->file);
    if (verified->directory >= 0)
        close(verified->directory);
    free(verified);
}
