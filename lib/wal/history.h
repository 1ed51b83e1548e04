/* wal/history.h - timeline history files and backup history files: text that says little but must
 * say it right. No I/O.
 *
 * Source: src/backend/access/transam/timeline.c (readTimeLineHistory), xlogbackup.c
 * (build_backup_content).
 */
#ifndef WAL_HISTORY_H
#define WAL_HISTORY_H

#include "wal/name.h"

struct error;

enum { WAL_HISTORY_SIZE_MAX = 1024 * 1024 }; /* bytes; far above any real one */

/* Is `text` (`size` bytes) the content of the timeline history file or backup history file `name`?
 * History: at least one entry; timelines rise and stay below the name's; each has an LSN; blank
 * lines and # comments are normal. Backup: START WAL LOCATION, STOP WAL LOCATION and the other
 * lines are there, and the file that START WAL LOCATION names is the one in `name`. ERROR_CORRUPT
 * when it is empty, too long, cut off or no such text; ERROR_REFUSED when it is well formed but
 * belongs to another name. */
int wal_history_check(const struct wal_name *name, const char *text, size_t size,
                      struct error *error);

/* An entry of a timeline history file: `timeline` was left at `address`. */
struct wal_ancestor {
    uint32_t timeline;
    uint64_t address; /* LSN */
};

/* The next entry behind *at, in a history that wal_history_check has accepted; false at its `end`.
 */
bool wal_history_next(const char **at, const char *end, struct wal_ancestor *ancestor);

/* What a backup history file says. */
enum { WAL_BACKUP_TEXT_MAX = 127 };
struct wal_backup {
    uint64_t start, stop; /* LSNs: replay must begin at the one and reach the other */
    uint32_t start_timeline, stop_timeline;
    char label[WAL_BACKUP_TEXT_MAX + 1]; /* texts longer than that are cut */
    char start_time[WAL_BACKUP_TEXT_MAX + 1], stop_time[WAL_BACKUP_TEXT_MAX + 1]; /* as written,
                                                     in the server's log_timezone */
};

/* Reads one. Classes as wal_history_check, which is part of it. */
int wal_backup_read(const struct wal_name *name, const char *text, size_t size,
                    struct wal_backup *backup, struct error *error);

/* Where the timeline begins whose history this is: the LSN of the last entry. False when there is
 * no entry. */
bool wal_history_fork(const char *text, size_t size, uint64_t *address);

/* Where the timeline `parent` was left, by this history: the LSN of its entry. False when it has
 * none. */
bool wal_history_entry(const char *text, size_t size, uint32_t parent, uint64_t *address);

#endif
