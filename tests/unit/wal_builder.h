/* wal_builder.h - writes small WAL segments in memory, for unit tests, from PostgreSQL's
 * description of the format and without a line of lib/wal/.
 *
 *     struct wal_builder b = builder_new(3);
 *     builder_record(&b, 100);
 *     builder_switch(&b);
 *     ... b.data, BUILDER_SIZE, builder_name(&b, ".partial") ...
 *     struct wal_builder next = builder_after(&b);    the segment behind it, same line of WAL
 *     builder_free(&b);
 */
#ifndef WAL_BUILDER_H
#define WAL_BUILDER_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wal/name.h"

#define BUILDER_SIZE ((size_t)1024 * 1024)
#define BUILDER_PAGE ((size_t)8192)

/* Public, so that a test can set what the next pages and records get. */
struct wal_builder {
    unsigned char *data;
    uint64_t start; /* LSN */
    size_t offset;
    uint64_t previous; /* LSN for the next record's pointer */
    uint32_t timeline;
    uint16_t magic;
    uint16_t flags;      /* for the next page, besides LONG and CONTRECORD */
    unsigned char *rest; /* of the record that crosses the segment's end, what does not fit */
    uint32_t rest_size;
};

static inline void builder_put(unsigned char *at, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        at[i] = (unsigned char)(value >> 8 * i);
}

static inline uint32_t builder_crc(uint32_t crc, const unsigned char *data, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        crc ^= data[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0x82F63B78 : 0);
    }
    return crc;
}

/* Writes the header of the page that begins at b->offset. */
static inline void builder_page(struct wal_builder *b, uint32_t remaining)
{
    unsigned char *page = b->data + b->offset;
    int is_first = b->offset == 0;
    builder_put(page, b->magic, 2);
    builder_put(page + 2, b->flags | (is_first ? 2U : 0U) | (remaining ? 1U : 0U), 2);
    builder_put(page + 4, b->timeline, 4);
    builder_put(page + 8, b->start + b->offset, 8);
    builder_put(page + 16, remaining, 4);
    if (is_first) {
        builder_put(page + 24, 0x1122334455667788, 8);
        builder_put(page + 32, BUILDER_SIZE, 4);
        builder_put(page + 36, BUILDER_PAGE, 4);
    }
    b->offset += is_first ? 40 : 24;
    b->flags = 0;
}

/* Lays bytes over the pages, until they are all written or the segment is full; the rest is kept.
 */
static inline void builder_lay(struct wal_builder *b, const unsigned char *bytes, uint32_t size)
{
    while (size > 0 && b->offset < BUILDER_SIZE) {
        if (b->offset % BUILDER_PAGE == 0)
            builder_page(b, size);
        size_t room = BUILDER_PAGE - b->offset % BUILDER_PAGE, piece = size < room ? size : room;
        memcpy(b->data + b->offset, bytes, piece);
        b->offset += piece;
        bytes += piece;
        size -= (uint32_t)piece;
    }
    b->offset = (b->offset + 7) / 8 * 8;
    b->rest_size = size;
    b->rest = size ? memcpy(malloc(size), bytes, size) : NULL;
}

/* A segment of timeline 2, PostgreSQL 15, whose first page begins with the last `reaching_in` bytes
 * of an earlier segment's record. */
static inline struct wal_builder builder_new_within(uint32_t number, uint32_t reaching_in)
{
    struct wal_builder b = {.data = calloc(1, BUILDER_SIZE),
                            .start = number * (uint64_t)BUILDER_SIZE,
                            .previous = number * (uint64_t)BUILDER_SIZE - 4000,
                            .timeline = 2,
                            .magic = 0xD110,
                            .flags = 4};
    unsigned char *bytes = calloc(1, reaching_in + 1);
    memset(bytes, 'c', reaching_in);
    builder_page(&b, reaching_in);
    builder_lay(&b, bytes, reaching_in);
    free(bytes);
    return b;
}

static inline struct wal_builder builder_new(uint32_t number)
{
    return builder_new_within(number, 0);
}

/* The segment behind, which begins with what `before` has no room for. */
static inline struct wal_builder builder_after(const struct wal_builder *before)
{
    struct wal_builder b = *before;
    b.data = calloc(1, BUILDER_SIZE);
    b.start += BUILDER_SIZE;
    b.offset = 0;
    b.flags = 4;
    builder_page(&b, before->rest_size);
    builder_lay(&b, before->rest, before->rest_size);
    return b;
}

static inline void builder_free(struct wal_builder *b)
{
    free(b->data);
    free(b->rest);
}

/* Appends a record whose header is followed by these bytes; the LSN is that of its first byte. */
static inline uint64_t builder_record_with(struct wal_builder *b, const void *bytes, uint32_t size,
                                           uint8_t manager, uint8_t info)
{
    uint32_t length = 24 + size;
    unsigned char *record = malloc(length);
    memcpy(record + 24, bytes, size);
    if (b->offset % BUILDER_PAGE == 0)
        builder_page(b, 0);
    uint64_t address = b->start + b->offset;
    builder_put(record, length, 4);
    builder_put(record + 4, 1234, 4);
    builder_put(record + 8, b->previous, 8);
    builder_put(record + 16, info, 1);
    builder_put(record + 17, manager, 1);
    builder_put(record + 18, 0, 2);
    builder_put(record + 20,
                ~builder_crc(builder_crc(0xFFFFFFFF, record + 24, length - 24), record, 20), 4);
    builder_lay(b, record, length);
    b->previous = address;
    free(record);
    return address;
}

/* One of `length` bytes (24 at least), whatever they are. */
static inline uint64_t builder_record_of(struct wal_builder *b, uint32_t length, uint8_t manager,
                                         uint8_t info)
{
    unsigned char *bytes = malloc(length);
    memset(bytes, 'r', length);
    uint64_t address = builder_record_with(b, bytes, length - 24, manager, info);
    free(bytes);
    return address;
}

static inline uint64_t builder_record(struct wal_builder *b, uint32_t length)
{
    return builder_record_of(b, length, 10, 0);
}

static inline void builder_switch(struct wal_builder *b)
{
    builder_record_of(b, 24, 0, 0x40);
}

/* Appends records so that the next one begins at `offset`, which must be a multiple of 8 on the
 * current page or its end, with room for a record. */
static inline void builder_record_up_to(struct wal_builder *b, size_t offset)
{
    size_t begin = b->offset % BUILDER_PAGE ? b->offset : b->offset + 24;
    builder_record(b, (uint32_t)(offset - begin));
}

/* Records up to the segment's end; the last one goes on in the next segment. */
static inline void builder_fill(struct wal_builder *b)
{
    for (uint32_t length = 61; b->offset < BUILDER_SIZE; length = length * 3 % 5003 + 24)
        builder_record(b, BUILDER_SIZE - b->offset < 16384 ? 5003 : length);
}

/* A crash: of a record of `length` bytes only the pages before the current page's end were written,
 * and the next page begins afresh. */
static inline void builder_abandon(struct wal_builder *b, uint32_t length)
{
    uint64_t previous = b->previous;
    size_t end = (b->offset / BUILDER_PAGE + 1) * BUILDER_PAGE;
    builder_record(b, length);
    memset(b->data + end, 0, b->offset - end);
    b->offset = end;
    b->previous = previous;
    b->flags = 8;
    builder_page(b, 0);
}

/* What a recycled segment of another number held in the pages from `from` on. */
static inline void builder_stale(struct wal_builder *b, size_t from, uint64_t start,
                                 uint32_t timeline)
{
    struct wal_builder other = *b;
    other.start = start;
    other.timeline = timeline;
    for (size_t page = from; page < BUILDER_SIZE; page += BUILDER_PAGE) {
        other.offset = page;
        memset(other.data + page, 's', BUILDER_PAGE);
        memset(other.data + page + 20, 0, 4);
        builder_page(&other, 0);
    }
}

/* XLogFileCopy at a promotion: copies of page `page` in the pages from `from` on. */
static inline void builder_repeat(struct wal_builder *b, size_t page, size_t from)
{
    for (size_t at = from; at < BUILDER_SIZE; at += BUILDER_PAGE)
        memcpy(b->data + at, b->data + page, BUILDER_PAGE);
}

static inline size_t builder_next_page(const struct wal_builder *b)
{
    return (b->offset + BUILDER_PAGE - 1) / BUILDER_PAGE * BUILDER_PAGE;
}

/* The segment's right name, with a suffix. */
static inline struct wal_name builder_name(const struct wal_builder *b, const char *suffix)
{
    char text[WAL_NAME_MAX + 1];
    struct wal_name name;
    int length =
        snprintf(text, sizeof text, "%08X%08X%08X%s", (unsigned)b->timeline,
                 (unsigned)(b->start >> 32), (unsigned)((uint32_t)b->start / BUILDER_SIZE), suffix);
    if (!wal_name_parse(text, (size_t)length, &name))
        abort();
    return name;
}

#endif
