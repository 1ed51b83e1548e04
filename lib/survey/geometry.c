/* How large an archive's segments are. */
#include "archive/identity.h"
#include "survey/inventory.h"
#include "archive/reader.h"

#include <stdio.h>
#include <string.h>

enum { TRIES = 8 };

struct search {
    struct scan_object found;
    bool any;
};

static int take(void *context, const struct scan_object *object, struct error *error)
{
    struct search *search = context;
    (void)error;
    if (!object ||
        (object->object.name.kind != WAL_SEGMENT && object->object.name.kind != WAL_PARTIAL))
        return 0;
    search->found = *object;
    search->any = true;
    return 1;
}

static void learn(const struct wal_page *page, struct inventory *inventory)
{
    inventory->has_geometry = true;
    inventory->geometry =
        (struct wal_geometry){page->segment_size, wal_magic_skips_ff(page->magic)};
    if (!inventory->system_identifier)
        inventory->system_identifier = page->system_identifier;
    inventory->version = wal_magic_version(page->magic);
}

static bool is_possible(uint32_t size)
{
    return size >= WAL_SEGMENT_SIZE_MIN && size <= WAL_SEGMENT_SIZE_MAX && !(size & (size - 1));
}

/* Is it this one's own, so that another may tell? Also when it has been removed since it was
 * listed. */
static bool is_of_the_segment(const struct error *error)
{
    return error->class == ERROR_CORRUPT || error->class == ERROR_REFUSED ||
           error->class == ERROR_MISSING;
}

/* 1: it told; 0: it is damaged or gone; -1: it can't be asked. */
static int ask(struct archive *archive, const struct scan_object *segment,
               struct inventory *inventory, struct error *error)
{
    struct wal_page page;
    if (reader_first_page(archive, segment->key.text, &segment->object.name, &page, error))
        return is_of_the_segment(error) ? 0 : -1;
    if (!is_possible(page.segment_size)) {
        error_set(error, ERROR_CORRUPT, "%s holds no WAL", segment->key.text);
        return 0;
    }
    learn(&page, inventory);
    return 1;
}

int inventory_geometry(struct archive *archive, struct inventory *inventory, struct error *error)
{
    struct search search = {.any = false};
    char after[OBJECT_KEY_MAX + 1] = "";
    int told = 0;
    inventory->system_identifier = archive->owner;
    for (int tries = 0; tries < TRIES && told == 0; tries++) {
        struct error damage = *error;
        search.any = false;
        if (archive_scan(archive, &(struct scan_query){.after = after}, take, &search, error))
            return -1;
        if (!search.any) {
            if (tries == 0)
                return 0;
            *error = damage;
            break;
        }
        told = ask(archive, &search.found, inventory, error);
        snprintf(after, sizeof after, "%s", basename(search.found.key.text));
    }
    return told ? told
                : error_prefix(error, "can't tell how large the archive's segments are: none of "
                                      "the first is whole: ");
}
