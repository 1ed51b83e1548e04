/* label.h - the label at the beginning of an object: what the raw content is, and how to know that
 * object and content are whole. walformat(5) is the specification.
 */
#ifndef CODEC_LABEL_H
#define CODEC_LABEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "codec/codec.h"

struct error;

enum {
    LABEL_NAME_SIZE = 64,
    LABEL_SHA256_SIZE = 64,
    LABEL_VERSION_SIZE = 16,
    LABEL_TIME_SIZE = 20,  /* 2026-11-23T20:00:00Z */
    LABEL_HEAD_MAX = 4096, /* a head is never longer: so much is read to find one */
};

/* Texts are zero-terminated. An unknown server version is "". */
struct label {
    char name[LABEL_NAME_SIZE + 1];
    uint64_t raw_size;                      /* bytes */
    char raw_sha256[LABEL_SHA256_SIZE + 1]; /* lower-case hex */
    uint64_t stored_size;                   /* bytes behind the head */
    uint32_t stored_crc32c;                 /* of those bytes */
    uint64_t system_identifier;
    uint32_t timeline;
    char server_version[LABEL_VERSION_SIZE + 1];
    char time[LABEL_TIME_SIZE + 1]; /* of the push, UTC, ISO 8601 */
};

/* Appends the head of an object in this coding: the label where the coding's decoders skip it, and
 * for gzip the member's header. Nothing for a coding that can't carry a label. The head's length
 * depends only on name, server_version and the number of digits of raw_size, system_identifier and
 * timeline: a place can be kept for it before the rest is known. */
int label_write(const struct label *label, const struct codec *codec, struct buf *out,
                struct error *error);

/* Looks for a label in an object's first `size` bytes (LABEL_HEAD_MAX of them unless the object is
 * shorter). Returns 1 with the label and the head's length in bytes, 0 when there is none, -1 with
 * ERROR_CORRUPT when there is one that is damaged or cut off, ERROR_REFUSED for a later format. */
int label_read(const void *data, size_t size, struct label *label, size_t *head_length,
               struct error *error);

/* The label's fields as lines "key=value", without title and check: what can be kept beside an
 * object in a place that looks after it itself. And back: false when a field is missing or wrong.
 */
int label_write_fields(const struct label *label, struct buf *out, struct error *error);
bool label_read_fields(const char *text, size_t length, struct label *label);

/* What a decoder must not be given: the length of the head for a skippable frame, 0 for gzip, whose
 * header belongs to the coded data. */
size_t label_skip(const void *data, size_t head_length);

#endif
