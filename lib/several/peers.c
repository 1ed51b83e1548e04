#include "several/peers.h"
#include "archive/identity.h"
#include "survey/inventory.h"
#include "several/merge.h"
#include "base/log.h"

#include <inttypes.h>
#include <stdlib.h>

/* Whose it is, by its identity; another tool's by its segments. */
static int learn_owner(struct peers *peers, struct archive *archive, uint64_t *owner,
                       struct error *error)
{
    struct inventory inventory = INVENTORY_EMPTY;
    int found = identity_read(archive, owner, error);
    if (found < 0)
        return -1;
    if (found > 0) {
        peers->owned |= UINT64_C(1) << (archive - peers->list);
        return 0;
    }
    if (inventory_geometry(archive, &inventory, error) < 0)
        return -1;
    *owner = inventory.system_identifier;
    if (!*owner)
        return error_set(error, ERROR_UNREACHABLE,
                         "it is empty and has no identity: is it mounted? If it is new, give it "
                         "one with walpush --init");
    log_info("%s has no identity: it is only read", archive->location);
    return 0;
}

static int check_owner(struct peers *peers, uint64_t owner, struct error *error)
{
    if (!peers->owner)
        peers->owner = owner;
    if (owner == peers->owner)
        return 0;
    return error_set(error, ERROR_REFUSED,
                     "it belongs to the cluster with system identifier %" PRIu64 ", %s to %" PRIu64,
                     owner, peers->list[0].location, peers->owner);
}

static int open_one(struct peers *peers, struct archive *archive, struct error *error)
{
    uint64_t owner = 0;
    if (archive_open(archive, error))
        return error_prefix(error, "%s: ", archive->location);
    peers->opened++;
    if (archive_recognise(archive, error) || learn_owner(peers, archive, &owner, error) ||
        check_owner(peers, owner, error))
        return error_prefix(error, "%s: ", archive->location);
    return 0;
}

int peers_open(struct peers *peers, const struct archive *archives, size_t count,
               struct error *error)
{
    *peers = (struct peers){.count = count};
    if (count < 2 || count > MERGE_MAX)
        return error_set(error, ERROR_USAGE,
                         "that needs a section that names 2 to %d archives, not %zu",
                         (int)MERGE_MAX, count);
    peers->list = calloc(count, sizeof *peers->list);
    if (!peers->list)
        return error_memory(error);
    for (size_t i = 0; i < count; i++) {
        peers->list[i] = archives[i];
        if (open_one(peers, &peers->list[i], error))
            return -1;
    }
    return 0;
}

void peers_close(struct peers *peers)
{
    for (size_t i = 0; i < peers->opened; i++)
        archive_close(&peers->list[i]);
    free(peers->list);
    *peers = (struct peers){.count = 0};
}
