#include "archive/clean.h"
#include "archive/identity.h"
#include "archive/object.h"
#include "base/error.h"
#include "base/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH = 1000 };

struct clean {
    struct archive *archive;
    const char *segment;
    const struct clean_options *options;
    char *batch[BATCH];
    size_t count;
    uint64_t failures;
    char resume[8 + 2]; /* where to go on listing, behind the timeline that is done; "" */
};

/* ---- the oldest file to keep ---- */

static bool has_tail(const char *name, size_t length, const char *tail)
{
    size_t tail_length = strlen(tail);
    return length > tail_length && strncmp(name + length - tail_length, tail, tail_length) == 0;
}

/* Without the extension that the user named, once, where the name has it. */
static size_t stripped_length(const char *name, const char *extension)
{
    size_t length = strlen(name);
    return has_tail(name, length, extension) ? length - strlen(extension) : length;
}

/* As loosely as pg_archivecleanup: whatever is between the segment and ".backup". */
static bool is_backup(const char *name, size_t length)
{
    return length > WAL_SEGMENT_NAME_LENGTH &&
           strspn(name, "0123456789ABCDEF") == WAL_SEGMENT_NAME_LENGTH &&
           has_tail(name, length, ".backup");
}

/* pg_archivecleanup reads the oldest file's name by sscanf. */
static bool is_oldest_backup(const char *name)
{
    unsigned timeline, log, segment, offset;
    return is_backup(name, strlen(name)) &&
           sscanf(name, "%08X%08X%08X.%08X.backup", &timeline, &log, &segment, &offset) == 4;
}

int clean_parse_oldest(const char *text, const struct clean_options *options,
                       char segment[WAL_SEGMENT_NAME_LENGTH + 1], struct error *error)
{
    struct wal_name parsed;
    char *name = strndup(text, stripped_length(text, options->strip_extension));
    if (!name)
        return error_memory(error);
    bool valid = (wal_name_parse(name, strlen(name), &parsed) && parsed.kind != WAL_HISTORY) ||
                 is_oldest_backup(name);
    if (valid)
        snprintf(segment, WAL_SEGMENT_NAME_LENGTH + 1, "%s", name);
    free(name);
    if (valid)
        return 0;
    return error_set(error, ERROR_USAGE,
                     "\"%s\" is not the name of a WAL segment, .partial or .backup file; give the "
                     "oldest file to keep, %%r in archive_cleanup_command",
                     text);
}

/* ---- what goes ---- */

/* `length` bytes of name, without any suffix of a coding. */
static bool is_removable(const char *segment, const struct clean_options *options, const char *name,
                         size_t length)
{
    struct wal_name parsed;
    bool is_wal = wal_name_parse(name, length, &parsed) &&
                  (parsed.kind == WAL_SEGMENT || parsed.kind == WAL_PARTIAL);
    if (!is_wal && !(options->backup_history && is_backup(name, length)))
        return false;
    /* From the ninth digit on: timelines are not compared. Equal digits mean the oldest to keep. */
    return strncmp(name + 8, segment + 8, WAL_SEGMENT_NAME_LENGTH - 8) < 0;
}

bool clean_removes(const char *segment, const struct clean_options *options, const char *key)
{
    size_t length = strlen(key), stripped = stripped_length(key, options->strip_extension);
    if (stripped < length)
        return is_removable(segment, options, key, stripped);
    for (size_t i = 0; codec_at(i); i++) {
        const char *suffix = codec_at(i)->suffix;
        if (has_tail(key, length, suffix) &&
            is_removable(segment, options, key, length - strlen(suffix)))
            return true;
    }
    return false;
}

static void report(void *context, const char *key, const struct error *failure)
{
    struct clean *clean = context;
    (void)key;
    log_error(failure);
    clean->failures++;
}

/* One that has a segment's name is no segment, and never removed. */
static int report_directory(struct clean *clean, const char *key)
{
    struct error failure;
    error_set(&failure, ERROR_SYSTEM, "can't remove %s: it is a directory", key);
    report(clean, key, &failure);
    return 0;
}

static int flush_batch(struct clean *clean, struct error *error)
{
    int result = 0;
    if (clean->count)
        result = storage_remove(clean->archive->storage, (const char *const *)clean->batch,
                                clean->count, report, clean, error);
    while (clean->count)
        free(clean->batch[--clean->count]);
    return result;
}

static void announce(const struct clean *clean, const char *key)
{
    const struct clean_options *options = clean->options;
    const char *location = clean->archive->location;
    if (options->dry_run)
        printf("%s/%s\n", location, key);
    if (options->debug && options->dry_run)
        log_plain("file \"%s/%s\" would be removed", location, key);
    else if (options->debug)
        log_plain("removing file \"%s/%s\"", location, key);
    else if (!options->dry_run)
        log_info("removing %s", key);
}

/* Names of a timeline are in order: behind the oldest to keep, nothing goes. */
static bool is_kept_segment(const struct clean *clean, const char *key)
{
    return strspn(key, "0123456789ABCDEF") >= WAL_SEGMENT_NAME_LENGTH &&
           strncmp(key + 8, clean->segment + 8, WAL_SEGMENT_NAME_LENGTH - 8) >= 0;
}

static int visit(void *context, const struct storage_entry *entry, struct error *error)
{
    const char *key = entry->name;
    struct clean *clean = context;
    if (is_kept_segment(clean, key)) {
        /* '~' sorts behind every name of the timeline. */
        snprintf(clean->resume, sizeof clean->resume, "%.8s~", key);
        return 1;
    }
    if (!clean_removes(clean->segment, clean->options, key))
        return 0;
    if (entry->is_directory)
        return report_directory(clean, key);
    announce(clean, key);
    if (clean->options->dry_run)
        return 0;
    clean->batch[clean->count] = strdup(key);
    if (!clean->batch[clean->count])
        return error_memory(error);
    return ++clean->count == BATCH ? flush_batch(clean, error) : 0;
}

/* Only what may go is listed, one timeline after the other: not the rest of a large archive. */
static int visit_all(struct clean *clean, struct error *error)
{
    char after[sizeof clean->resume] = "";
    int result;
    do {
        const struct storage_query query = {.after = after, .wanted = STORAGE_DIRECTORIES};
        clean->resume[0] = '\0';
        result = storage_list(clean->archive->storage, &query, visit, clean, error);
        memcpy(after, clean->resume, sizeof after);
    } while (result == 0 && *after);
    return result;
}

int clean_check(struct archive *archive, struct error *error)
{
    return archive_recognise(archive, error) ||
                   archive_check_flat(archive, "let that remove what it no longer needs", error) ||
                   identity_match(archive, "", error) < 0
               ? -1
               : 0;
}

int archive_clean(struct archive *archive, const char *segment, const struct clean_options *options,
                  struct error *error)
{
    struct clean *clean = calloc(1, sizeof *clean);
    if (!clean)
        return error_memory(error);
    clean->archive = archive;
    clean->segment = segment;
    clean->options = options;
    if (options->debug)
        log_plain("keeping WAL file \"%s/%s\" and later", archive->location, segment);
    int result = visit_all(clean, error);
    struct error ignored;
    if (flush_batch(clean, result ? &ignored : error))
        result = -1;
    if (result == 0 && clean->failures)
        result = error_set(error, ERROR_SYSTEM, "%" PRIu64 " file%s could not be removed",
                           clean->failures, clean->failures == 1 ? "" : "s");
    free(clean);
    return result;
}
