#include "archive/memory.h"
#include "base/error.h"
#include "base/file.h"
#include "base/tempfile.h"
#include "crypto/sha256.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BELIEVED_SECONDS = 3600, TEXT_MAX = 16 * 1024 };

static const char title[] = "waltools-memory=1\n";
static const char temporary_prefix[] = "new-";

/* ---- the directory ---- */

static int make_path(const struct archive *archive, struct buf *path, struct error *error)
{
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    if (archive->cache)
        return buf_printf(path, error, "%s", archive->cache);
    if (cache && *cache == '/')
        return buf_printf(path, error, "%s/waltools", cache);
    if (home && *home == '/')
        return buf_printf(path, error, "%s/.cache/waltools", home);
    return error_set(error, ERROR_MISSING, "no directory");
}

/* One that others can write to is not believed. */
int memory_directory(const struct archive *archive)
{
    struct buf path = {0};
    struct stat status;
    struct error ignored;
    if (archive->cache && strcmp(archive->cache, "none") == 0)
        return -1;
    int fd = -1;
    if (make_path(archive, &path, &ignored) == 0) {
        file_make_directories(path.data);
        fd = open(path.data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    }
    buf_free(&path);
    if (fd >= 0 && (fstat(fd, &status) || status.st_uid != geteuid() || status.st_mode & 022)) {
        close(fd);
        fd = -1;
    }
    return fd;
}

/* ---- the file ---- */

struct place {
    int directory;
    struct buf scope, notes;
    char name[SHA256_HEX_SIZE + 1];
};

static void place_close(struct place *place)
{
    if (place->directory >= 0)
        close(place->directory);
    buf_free(&place->scope);
    buf_free(&place->notes);
}

static bool place_open(struct archive *archive, struct place *place)
{
    struct error ignored;
    *place = (struct place){.directory = -1};
    if (!storage_has(archive->storage, STORAGE_REMOTE) ||
        storage_notes(archive->storage, &place->scope, &place->notes, &ignored) ||
        !place->scope.data ||
        sha256_hex(place->scope.data, place->scope.length, place->name, &ignored))
        return false;
    place->directory = memory_directory(archive);
    return place->directory >= 0;
}

/* All before "confirmed=", which must be the same to be believed. */
static int write_claim(const struct archive *archive, const struct place *place,
                       uint64_t system_identifier, struct buf *text, struct error *error)
{
    return buf_printf(text, error, "%sscope=%s\nsystem-identifier=%" PRIu64 "\ncoding=%s\n", title,
                      place->scope.data, system_identifier, archive->coding.codec->name);
}

/* The text up to "coding=" tells whose it is. */
static size_t owner_length(const struct buf *claim)
{
    const char *coding = strstr(claim->data, "\ncoding=");
    return coding ? (size_t)(coding - claim->data) + 1 : claim->length;
}

static void believe(struct archive *archive, const struct buf *claim, struct memory *memory)
{
    static const char key[] = "\nconfirmed=";
    const char *text = memory->text.data, *confirmed = strstr(text, key);
    if (!confirmed || strncmp(text, claim->data, owner_length(claim)) != 0)
        return;
    memory->known = true;
    memory->confirmed = (time_t)strtoll(confirmed + sizeof key - 1, NULL, 10);
    time_t age = time(NULL) - memory->confirmed;
    bool young = age >= 0 && age < BELIEVED_SECONDS;
    memory->fresh = young && strncmp(text, claim->data, claim->length) == 0;
    storage_recall(archive->storage, confirmed + 1, young ? STORAGE_SURE : STORAGE_IN_DOUBT);
}

void memory_recall(struct archive *archive, uint64_t system_identifier, struct memory *memory)
{
    struct place place;
    struct buf claim = {0};
    struct error ignored;
    *memory = (struct memory){0};
    if (place_open(archive, &place) &&
        file_slurp(place.directory, place.name, TEXT_MAX, &memory->text, &ignored) == 0 &&
        memory->text.data && write_claim(archive, &place, system_identifier, &claim, &ignored) == 0)
        believe(archive, &claim, memory);
    buf_free(&claim);
    place_close(&place);
}

void memory_free(struct memory *memory)
{
    buf_free(&memory->text);
}

static void replace(const struct place *place, const struct buf *text)
{
    struct tempfile file;
    struct error ignored;
    tempfile_sweep(place->directory, temporary_prefix);
    if (tempfile_create(&file, place->directory, temporary_prefix, &ignored))
        return;
    if (file_write(file.fd, place->name, text->data, text->length, &ignored) == 0)
        renameat(place->directory, file.name, place->directory, place->name);
    tempfile_discard(&file);
}

void memory_keep(struct archive *archive, uint64_t system_identifier, const struct memory *memory)
{
    struct place place;
    struct buf text = {0};
    struct error ignored;
    time_t confirmed = memory->fresh ? memory->confirmed : time(NULL);
    if (place_open(archive, &place) &&
        write_claim(archive, &place, system_identifier, &text, &ignored) == 0 &&
        buf_printf(&text, &ignored, "confirmed=%" PRId64 "\n%s", (int64_t)confirmed,
                   place.notes.data ? place.notes.data : "") == 0 &&
        (!memory->text.data || strcmp(memory->text.data, text.data) != 0))
        replace(&place, &text);
    buf_free(&text);
    place_close(&place);
}
