#include "archive/successor.h"

#include <stdio.h>

struct search {
    struct successor *successor;
    int found;
};

static int take_segment(void *context, const char *key, struct error *error)
{
    struct search *search = context;
    const struct codec *codec;
    (void)error;
    if (!object_parse(key, &search->successor->name, &codec) ||
        search->successor->name.kind != WAL_SEGMENT)
        return 0;
    search->successor->key = object_key(&search->successor->name, codec);
    search->found = 1;
    return 1;
}

int successor_find(struct archive *archive, const struct wal_name *name,
                   struct successor *successor, struct error *error)
{
    struct search search = {successor, 0};
    char timeline[9], after[WAL_NAME_MAX + 2];
    snprintf(timeline, sizeof timeline, "%.8s", name->text);
    /* '~' sorts behind every suffix that the name itself may have */
    snprintf(after, sizeof after, "%s~", name->text);
    if (storage_list(archive->storage, "", timeline, after, take_segment, &search, error))
        return -1;
    return search.found;
}
