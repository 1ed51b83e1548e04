/* verify/verify.h - is an archive whole? What is missing, what is damaged, and what can be
 * recovered from the rest. */
#ifndef VERIFY_VERIFY_H
#define VERIFY_VERIFY_H

#include "survey/gaps.h"
#include "survey/inventory.h"
#include "verify/known.h"
#include "survey/recovery.h"

struct error;

enum verify_depth {
    VERIFY_NAMES,   /* names, and the small files */
    VERIFY_CONTENT, /* every object is read: digests, what its first page says, page headers */
    VERIFY_RECORDS, /* and every record, across the borders of segments */
};

/* Who watches a long run; any may be NULL. */
struct verify_watch {
    void *context;
    void (*begin)(void *context, uint64_t objects, uint64_t bytes); /* so many there are; */
    void (*done)(void *context, uint64_t objects, uint64_t bytes);  /* so many more are done */
    void (*skip)(void *context, uint64_t objects, uint64_t bytes);  /* so many need not be done */
    void (*tick)(void *context);                                    /* several times a second */
};

/* What is asked; texts are borrowed. */
struct verify_terms {
    struct selection_text selection;
    enum verify_depth depth;
    unsigned sample;        /* so many of 10,000 objects are read, drawn by lot */
    size_t workers;         /* processes, at least 1 */
    const char *known_gaps; /* path; NULL: none are known */
    const char *state;      /* path, see verified.h; NULL: nothing is remembered */
    int64_t recheck;        /* what was verified before this moment is verified again */
    struct verify_watch watch;
};

struct verify_gap {
    struct gap gap;
    struct wal_name first, last;   /* what is missing, as known_find has it */
    const struct known_gap *known; /* NULL: it counts */
};

/* An object that is damaged, or is not what its name says. */
struct verify_damage {
    struct object_key key;
    struct wal_name name;
    char *problem; /* complete but for the key */
};

enum verify_backup {
    BACKUP_RESTORABLE,
    BACKUP_OUTSIDE, /* needs WAL from before all that there is, which was removed, or WAL that the
                     * selection leaves out */
    BACKUP_CUT,     /* WAL that it needs is missing or damaged */
    BACKUP_KNOWN,   /* the same, but the gap is known */
    BACKUP_DAMAGED, /* its history file is */
};

/* Until when a recovery can go, by the last WAL that it reaches. */
struct verify_end {
    enum verify_end_kind {
        VERIFY_END_UNKNOWN,
        VERIFY_END_ARCHIVED, /* when that was archived: transactions in it ended before */
        VERIFY_END_COMMIT,   /* when the last transaction in it ended */
    } kind;
    int64_t moment; /* seconds since 1970 UTC */
};

/* What has been read. */
struct verify_checked {
    uint64_t objects, stored; /* how many, and their bytes; */
    uint64_t raw;             /* bytes of their content; */
    uint64_t records;         /* whose CRC was checked; */
    uint64_t known;           /* objects that an earlier run has found whole, and were not read; */
    uint64_t headers_only;    /* segments of a release whose records can't be read */
};

struct verification {
    enum verify_depth depth;
    struct selection selection; /* what it leaves out is not missed */
    struct inventory inventory; /* damaged segments are taken out of it, see cut.h */
    struct verify_checked checked;
    struct known_gaps known;
    struct verify_gap *gaps;
    size_t gap_count;
    struct verify_damage *damages; /* in the archive's order */
    size_t damage_count, damage_room;
    enum verify_backup *backups; /* as the inventory's */
    struct recoveries recoveries;
    struct verify_end *ends; /* as the recoveries' */
};

/* Verifies it. The archive must be open. Whatever is wrong with the archive is no error here.
 * Classes as inventory_read and known_read; ERROR_UNREACHABLE, ERROR_SYSTEM. The caller frees the
 * verification, also after a failure. */
int archive_verify(struct archive *archive, const struct verify_terms *terms,
                   struct verification *verification, struct error *error);
void verification_free(struct verification *verification);

/* What counts against the archive. */
struct verify_faults {
    size_t gaps;      /* that are not known ... */
    uint64_t missing; /* ... and the segments that they are of */
    size_t known_gaps;
    size_t damaged; /* objects */
    size_t backups; /* that can't be restored, though their WAL should be there */
};
struct verify_faults verification_faults(const struct verification *verification);
bool verification_is_whole(const struct verification *verification);

/* Is it a segment of which no copy is there whole? *number is its number. */
bool verification_lacks(const struct verification *verification, const struct wal_name *name,
                        uint64_t *number);

/* Of which timeline's files is the first that a recovery does not reach? */
uint32_t verification_stopped_on(const struct verification *verification,
                                 const struct recovery *recovery);

/* Does this recovery end where these segments are missing? Is there one from a backup behind them,
 * and which is the first? NULL: none. */
bool verification_stops(const struct verification *verification, const struct recovery *recovery,
                        uint32_t timeline, uint64_t first, uint64_t last);
const struct inventory_backup *verification_behind(const struct verification *verification,
                                                   uint32_t timeline, uint64_t last);

/* Adds a damage, unless that object is there already. For inspect.h. */
int verification_add_damage(struct verification *verification, const struct object_key *key,
                            const char *problem, struct error *error);

#endif
