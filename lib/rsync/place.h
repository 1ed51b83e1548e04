/* rsync/place.h - where an archive is that rsync reaches: "[user@]host:/path" by ssh, or
 * "rsync://[user@]host[:port]/module[/path]" at an rsync daemon. */
#ifndef RSYNC_PLACE_H
#define RSYNC_PLACE_H

#include <stdbool.h>

struct error;

struct rsync_place {
    bool daemon;
    char *host;      /* as ssh takes it, [user@]host without brackets; of a daemon for messages */
    char *base;      /* what rsync is given before a path in the archive; ends in '/' */
    char *directory; /* by ssh: the absolute path there; of a daemon: module and path */
};

/* Fills the place from a location; the caller frees it, also after a failure. ERROR_USAGE for one
 * that can't be, such as with a password, a path that is not absolute, or a name that ssh would
 * take for an option. */
int rsync_place_parse(struct rsync_place *place, const char *location, struct error *error);
void rsync_place_free(struct rsync_place *place);

#endif
