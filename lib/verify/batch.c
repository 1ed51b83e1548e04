#include "verify/batch.h"
#include "base/buf.h"
#include "base/error.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- a queue of them ---- */

struct batch *batches_add(struct batches *batches, struct error *error)
{
    struct batch *batch = calloc(1, sizeof *batch);
    if (!batch) {
        error_memory(error);
        return NULL;
    }
    batch->number = ++batches->made;
    if (batches->last)
        batches->last->next = batch;
    else
        batches->first = batch;
    batches->last = batch;
    batches->count++;
    return batch;
}

struct batch *batches_find(const struct batches *batches, uint64_t number)
{
    struct batch *batch = batches->first;
    while (batch && batch->number != number)
        batch = batch->next;
    return batch;
}

void batches_drop(struct batches *batches)
{
    struct batch *batch = batches->first;
    batches->first = batch->next;
    if (!batches->first)
        batches->last = NULL;
    batches->count--;
    for (size_t i = 0; i < batch->count; i++)
        free(batch->entries[i].problem);
    free(batch);
}

/* ---- job and answer ---- */

int batch_write_job(const struct batch *batch, struct buf *job, struct error *error)
{
    if (buf_printf(job, error, "%" PRIu64 "\ncheck\n", batch->number))
        return -1;
    for (size_t i = 0; i < batch->count; i++)
        if (batch->entries[i].verdict == ENTRY_WAITS &&
            buf_printf(job, error, "%s\n", batch->entries[i].object.key.text))
            return -1;
    return 0;
}

static bool read_whole(const char *line, struct entry *entry)
{
    int reach;
    if (sscanf(line, "whole %" SCNu64 " %" SCNu64 " %d", &entry->raw, &entry->records, &reach) != 3)
        return false;
    entry->reach = (enum check_reach)reach;
    entry->verdict = ENTRY_WHOLE;
    return true;
}

static int read_line(const char *line, struct entry *entry, struct error *error)
{
    static const char damaged[] = "damaged ";
    if (read_whole(line, entry))
        return 0;
    if (strcmp(line, "gone") == 0) {
        entry->verdict = ENTRY_GONE;
        return 0;
    }
    if (strncmp(line, damaged, sizeof damaged - 1) != 0)
        return error_set(error, ERROR_SYSTEM, "%s: a worker has given no answer",
                         entry->object.key.text);
    entry->verdict = ENTRY_DAMAGED;
    entry->problem = strdup(line + sizeof damaged - 1);
    return entry->problem ? 0 : error_memory(error);
}

static int read_lines(struct batch *batch, char *text, struct error *error)
{
    for (size_t i = 0; i < batch->count; i++) {
        if (batch->entries[i].verdict != ENTRY_WAITS)
            continue;
        const char *line = strsep(&text, "\n");
        if (read_line(line ? line : "", &batch->entries[i], error))
            return -1;
    }
    batch->done = true;
    return 0;
}

int batch_read_answer(struct batch *batch, const char *answer, struct error *error)
{
    char *text = strdup(answer);
    int result = text ? read_lines(batch, text, error) : error_memory(error);
    free(text);
    return result;
}
