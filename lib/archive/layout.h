/* archive/layout.h - where an archive has its files. Ours are flat; other tools put segments into
 * directories named after timeline and log, below some of their own. A layout is recognised by the
 * names that are there, never configured.
 *
 * Sources: pgBackRest archive/common.c and info/infoArchive.c; barman xlog.py (hash_dir) and
 * cloud.py; WAL-G pkg/storages (wal_005); pgmoneta wal.c;
 * pghoard transfer.py.
 */
#ifndef ARCHIVE_LAYOUT_H
#define ARCHIVE_LAYOUT_H

#include <stdbool.h>

struct buf;
struct error;
struct storage;

enum layout_form {
    LAYOUT_FLAT,   /* NAME[.SUFFIX] */
    LAYOUT_NESTED, /* TIMELINELOG/NAME..., history files above */
    LAYOUT_SPLIT,  /* LAYOUT_SPLIT_WAL/NAME..., LAYOUT_SPLIT_HISTORY/NAME... */
};

#define LAYOUT_SPLIT_WAL "xlog"
#define LAYOUT_SPLIT_HISTORY "timeline"

struct layout {
    bool known; /* it has been looked for ... */
    bool found; /* ... and there is WAL, or a history file */
    enum layout_form form;
    const char *tool; /* that is known for it, such as "pgBackRest"; NULL: none */
    bool foreign;     /* in the order, or the place, of another tool: it is only read */
    bool below;       /* found below the location that was given, where the storage is now */
};

/* Looks for WAL at the storage's top, then below the directories in which tools keep it; the last
 * part of its location may be one of these. *path is where, from the top ("" for the top itself,
 * also when there is none anywhere), owned by the caller. ERROR_USAGE when there are several such
 * directories and only the user can know. */
int layout_find(struct storage *storage, const char *location, struct layout *layout,
                struct buf *path, struct error *error);

/* A directory of segments: 16 upper-case hex digits? */
bool layout_is_log(const char *name);

#endif
