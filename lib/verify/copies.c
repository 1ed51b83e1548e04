#include "verify/copies.h"
#include "verify/cut.h"
#include "base/array.h"

#include <stdlib.h>
#include <string.h>

static int lose(struct copies *copies, struct error *error)
{
    struct lost_segment lost = {.timeline = copies->name.timeline};
    if (!wal_geometry_number(copies->geometry, &copies->name, &lost.number))
        return 0;
    void *more = array_reserve(copies->lost, copies->count, &copies->room, sizeof lost, error);
    if (!more)
        return -1;
    copies->lost = more;
    copies->lost[copies->count++] = lost;
    return 0;
}

int copies_finish(struct copies *copies, struct error *error)
{
    bool is_lost = copies->any_damaged && !copies->any_whole;
    copies->any_damaged = copies->any_whole = false;
    return is_lost ? lose(copies, error) : 0;
}

int copies_note(struct copies *copies, const struct wal_name *name, enum copy_verdict verdict,
                struct error *error)
{
    if (name->kind != WAL_SEGMENT)
        return 0;
    if (strcmp(name->text, copies->name.text) != 0 && copies_finish(copies, error))
        return -1;
    copies->name = *name;
    copies->any_damaged |= verdict == COPY_DAMAGED;
    copies->any_whole |= verdict == COPY_WHOLE;
    return 0;
}

int copies_cut(const struct copies *copies, struct inventory *inventory, struct error *error)
{
    for (size_t i = 0; i < copies->count; i++)
        if (inventory_cut(inventory, copies->lost[i].timeline, copies->lost[i].number, error))
            return -1;
    return 0;
}

void copies_free(struct copies *copies)
{
    free(copies->lost);
    copies->lost = NULL;
    copies->count = copies->room = 0;
}
