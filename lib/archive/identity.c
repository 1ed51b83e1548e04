#include "archive/identity.h"
#include "archive/datadir.h"
#include "archive/reader.h"
#include "archive/scan.h"
#include "archive/sealed.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/moment.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char identity_key[] = ".waltools/archive";
static const char title[] = "waltools-archive=";
static const char version[] = "1\n";

/* ---- the text ---- */

static int write_text(uint64_t system_identifier, struct buf *text, struct error *error)
{
    char created[MOMENT_SIZE];
    moment_format_iso(moment_now(), created);
    if (buf_printf(text, error, "%s%ssystem-identifier=%" PRIu64 "\ncreated=%s\n", title, version,
                   system_identifier, created))
        return -1;
    return sealed_close(text, error);
}

static int parse_text(const struct sealed *text, uint64_t *system_identifier, struct error *error)
{
    char value[24];
    enum sealed_state state = sealed_check(text, title, version);
    if (state == SEALED_LATER)
        return error_set(error, ERROR_REFUSED,
                         "the archive has a format that this version of waltools does not know");
    if (state == SEALED_DAMAGED || !sealed_value(text, "system-identifier", value, sizeof value))
        return error_set(error, ERROR_CORRUPT,
                         "the archive's identity, %s, is damaged; walformat(5) tells how to write "
                         "it anew",
                         identity_key);
    *system_identifier = strtoull(value, NULL, 10);
    return 1;
}

static int download(struct archive *archive, uint64_t *system_identifier, struct error *error)
{
    struct sealed text;
    if (sealed_read(archive->storage, identity_key, &text, error))
        return error->class == ERROR_MISSING ? 0 : -1;
    return parse_text(&text, system_identifier, error);
}

int identity_read(struct archive *archive, uint64_t *system_identifier, struct error *error)
{
    int found = archive->owner ? 1 : download(archive, &archive->owner, error);
    *system_identifier = archive->owner;
    return found;
}

/* ---- an archive without one ---- */

static int take_segment(void *context, const struct scan_object *object, struct error *error)
{
    struct scan_object *found = context;
    (void)error;
    if (!object || object->object.name.kind != WAL_SEGMENT)
        return 0;
    *found = *object;
    return 1;
}

static int find_segment(struct archive *archive, const char *after, struct scan_object *segment,
                        struct error *error)
{
    segment->object.codec = NULL;
    if (archive_scan(archive, &(struct scan_query){.after = after}, take_segment, segment, error))
        return -1;
    return segment->object.codec != NULL;
}

int identity_find_segment(struct archive *archive, struct scan_object *segment, struct error *error)
{
    return find_segment(archive, "", segment, error);
}

static int refuse_other(uint64_t archive, uint64_t cluster, struct error *error)
{
    return error_set(error, ERROR_REFUSED,
                     "the archive belongs to the cluster with system identifier %" PRIu64
                     ", this is %" PRIu64 ": give each cluster an archive of its own",
                     archive, cluster);
}

/* Refuses for this reason; the operator can overrule it, in the server's data directory. */
static int refuse_until_ordered(const struct archive *archive, const char *reason,
                                struct error *error)
{
    char *directory = getcwd(NULL, 0);
    error_set(error, ERROR_REFUSED, "archive %s %s, say so once: cd %s && walpush --init %s",
              archive->location, reason, directory ? directory : "DATA_DIRECTORY",
              archive->operand);
    free(directory);
    return -1;
}

static int check_empty(struct archive *archive, const char *file, enum identity_new new,
                       struct error *error)
{
    if (new == IDENTITY_BY_ORDER || !datadir_has_archived(file))
        return 0;
    return refuse_until_ordered(archive,
                                "is empty, but this server has archived before (or is a clone): an "
                                "unmounted disk or a wrong path? If it is new",
                                error);
}

static int create(struct archive *archive, uint64_t system_identifier, struct error *error)
{
    struct buf text = {0};
    char digest[24];
    snprintf(digest, sizeof digest, "%" PRIu64, system_identifier);
    int result = write_text(system_identifier, &text, error);
    if (result == 0)
        result = storage_put(archive->storage, identity_key, text.data, text.length, digest, error);
    buf_free(&text);
    if (result && error->class != ERROR_EXISTS)
        return error_prefix(error, "can't give the archive its identity: ");
    return 0; /* if another push was first, what it wrote is read next */
}

/* The cluster whose WAL the segment is. */
static int read_owner(struct archive *archive, const struct scan_object *segment, uint64_t *owner,
                      struct error *error)
{
    struct wal_page page;
    if (reader_first_page(archive, segment->key.text, &segment->object.name, &page, error))
        return -1;
    *owner = page.system_identifier;
    return 0;
}

/* Of a segment that is damaged, or in a coding that can't be read here. */
static bool says_nothing(const struct error *error)
{
    return error->class == ERROR_CORRUPT || error->class == ERROR_REFUSED;
}

/* Whose an archive without identity is, by the first segments that say it. Returns 1,
 * 0 when there is no segment, -1 when it can't be told. */
static int find_owner(struct archive *archive, uint64_t *owner, struct error *error)
{
    enum { TRIES = 8 };
    struct error damage = {.class = ERROR_NONE};
    struct scan_object segment = {.object.name.text = ""};
    int found = 1, read = -1;
    for (int tries = 0; tries < TRIES && read && found > 0; tries++) {
        char after[OBJECT_KEY_MAX + 1];
        snprintf(after, sizeof after, "%s", basename(segment.key.text));
        found = find_segment(archive, after, &segment, error);
        if (found > 0 && (read = read_owner(archive, &segment, owner, error)) != 0) {
            found = says_nothing(error) ? 1 : -1;
            if (error->class == ERROR_MISSING)
                error->class = ERROR_UNREACHABLE; /* "absent" would be said of what was asked for */
            damage = *error;
        }
    }
    if (read == 0 || (found <= 0 && !says_nothing(&damage)))
        return found;
    *error = damage;
    return error_prefix(error, "can't tell whose archive it is, as it has no identity: ");
}

static int establish(struct archive *archive, uint64_t system_identifier, const char *file,
                     enum identity_new new, struct error *error)
{
    uint64_t owner;
    if (new == IDENTITY_REMEMBERED)
        return refuse_until_ordered(archive,
                                    "has lost its identity, which it had when it was last pushed "
                                    "to: has it been emptied, is it another? If that is meant",
                                    error);
    /* One that another tool filled is taken over when it is the same cluster's, and in our order.
     */
    if (archive_check_flat(archive, "push to a new place, and let walfetch look in both", error))
        return -1;
    int found = archive->layout.found ? find_owner(archive, &owner, error) : 0;
    if (found < 0 || (found == 0 && check_empty(archive, file, new, error)))
        return -1;
    if (found && owner != system_identifier)
        return refuse_other(owner, system_identifier, error);
    return create(archive, system_identifier, error);
}

int identity_match(struct archive *archive, const char *file, struct error *error)
{
    struct error ignored;
    uint64_t owner, server;
    if (datadir_system_identifier(file, &server, &ignored))
        server = 0;
    int found = identity_read(archive, &owner, error);
    if (found == 0)
        found = server ? find_owner(archive, &owner, error)
                       : identity_find_segment(archive, &(struct scan_object){.size = 0}, error);
    if (found > 0 && server && owner != server)
        return refuse_other(owner, server, error);
    return found;
}

int identity_confirm(struct archive *archive, uint64_t system_identifier, const char *file,
                     enum identity_new new, struct error *error)
{
    uint64_t owner;
    int found = identity_read(archive, &owner, error);
    if (found == 0) {
        if (establish(archive, system_identifier, file, new, error))
            return -1;
        found = identity_read(archive, &owner, error);
    }
    if (found <= 0)
        return found < 0 ? -1
                         : error_set(error, ERROR_UNREACHABLE, "the archive's identity vanished");
    return owner == system_identifier ? 0 : refuse_other(owner, system_identifier, error);
}

int identity_settle(struct archive *archive, struct error *error)
{
    return storage_settle(archive->storage, identity_key, error);
}
