/* archive/reader.h - an object's raw content, with everything checked that its label says. */
#ifndef ARCHIVE_READER_H
#define ARCHIVE_READER_H

#include <stdbool.h>

#include "archive/archive.h"
#include "archive/object.h"
#include "codec/label.h"
#include "wal/page.h"

struct reader;

/* Opens the object `key`, whose content should be the file `name`, and reads its head. NULL on
 * failure: ERROR_MISSING, ERROR_CORRUPT (damaged label, a label of another name, a stored size that
 * is not the object's), or as storage_download. The caller closes it. */
struct reader *reader_open(struct archive *archive, const char *key, const struct wal_name *name,
                           struct error *error);
void reader_close(struct reader *reader);

/* The object's label; NULL when it has none. Borrowed from the reader. */
const struct label *reader_label(const struct reader *reader);

/* The next portion of the raw content: *data is borrowed until the call after the next, and only
 * the last portion is shorter than READER_PORTION. Returns its length, 0 at the end, -1 on error.
 * At the end, and not before, the content is known to be whole: stored size and CRC, raw size and
 * SHA-256 are then as the label says (ERROR_CORRUPT if not). Without a label only the coding has
 * been checked. More than reader_limit's bytes are ERROR_CORRUPT: a small object must not fill a
 * disk. */
enum { READER_PORTION = 256 * 1024 };
ssize_t reader_next(struct reader *reader, const void **data, struct error *error);
void reader_limit(struct reader *reader, uint64_t bytes);

/* SHA-256 of the raw content in hex; valid after reader_next has returned 0. */
const char *reader_sha256(const struct reader *reader);

/* All of a timeline history file or backup history file, checked (wal/history.h). `text` is the
 * caller's; what it held is replaced. ERROR_CORRUPT, ERROR_REFUSED, ERROR_MISSING. */
int reader_text(struct archive *archive, const char *key, const struct wal_name *name,
                struct buf *text, struct error *error);

/* What the first page of the segment under this key says. ERROR_CORRUPT when it is no WAL page. */
int reader_first_page(struct archive *archive, const char *key, const struct wal_name *name,
                      struct wal_page *page, struct error *error);

#endif
