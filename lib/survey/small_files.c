/* What an inventory needs to read: timeline history files and backup history files. */
#include "survey/inventory.h"
#include "archive/reader.h"
#include "base/array.h"

static int add_ancestor(struct inventory_timeline *timeline, const struct wal_ancestor *ancestor,
                        struct error *error)
{
    void *more = array_reserve(timeline->ancestors, timeline->ancestor_count,
                               &timeline->ancestor_room, sizeof *timeline->ancestors, error);
    if (!more)
        return -1;
    timeline->ancestors = more;
    timeline->ancestors[timeline->ancestor_count++] = *ancestor;
    return 0;
}

/* Is that what the object says, rather than a failure to ask it? */
static bool is_of_the_object(const struct error *error)
{
    return error->class == ERROR_CORRUPT || error->class == ERROR_REFUSED;
}

static int read_history(struct archive *archive, struct inventory_timeline *timeline,
                        struct buf *text, struct error *error)
{
    struct object object;
    struct wal_ancestor ancestor;
    if (!*timeline->history.text || !object_parse(timeline->history.text, &object))
        return 0;
    if (reader_text(archive, timeline->history.text, &object.name, text,
                    &timeline->history_problem)) {
        if (is_of_the_object(&timeline->history_problem))
            return 0;
        *error = timeline->history_problem;
        return error_prefix(error, "%s: ", timeline->history.text);
    }
    timeline->history_problem.class = ERROR_NONE;
    const char *at = text->data, *end = text->data + text->length;
    while (wal_history_next(&at, end, &ancestor))
        if (add_ancestor(timeline, &ancestor, error))
            return -1;
    return 0;
}

static int read_backup(struct archive *archive, const struct wal_geometry *geometry,
                       struct inventory_backup *backup, struct buf *text, struct error *error)
{
    if (reader_text(archive, backup->key.text, &backup->name, text, &backup->problem) ||
        wal_backup_read(&backup->name, text->data, text->length, &backup->content,
                        &backup->problem)) {
        backup->content = (struct wal_backup){0};
        if (is_of_the_object(&backup->problem))
            return 0;
        *error = backup->problem;
        return error_prefix(error, "%s: ", backup->key.text);
    }
    backup->problem.class = ERROR_NONE;
    /* A stop at a segment's first byte needs nothing of that segment. */
    uint64_t stop = backup->content.stop > backup->content.start ? backup->content.stop - 1
                                                                 : backup->content.start;
    backup->last = wal_geometry_number_at(geometry, stop);
    return 0;
}

int inventory_read_files(struct archive *archive, struct inventory *inventory, struct error *error)
{
    struct buf text = {0};
    int result = 0;
    for (size_t i = 0; i < inventory->timeline_count && result == 0; i++)
        result = read_history(archive, &inventory->timelines[i], &text, error);
    for (size_t i = 0; i < inventory->backup_count && result == 0; i++)
        result = read_backup(archive, &inventory->geometry, &inventory->backups[i], &text, error);
    buf_free(&text);
    return result;
}
