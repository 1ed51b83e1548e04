/* report/json.h - writes JSON (RFC 8259) as it comes: nothing is kept, however long it gets.
 *
 *     struct json json;
 *     json_open(&json, stdout, JSON_INDENTED);
 *     json_object(&json, NULL);
 *     json_unsigned(&json, "segments", 312);
 *     json_array(&json, "ranges");
 *     json_string(&json, NULL, "first");
 *     json_end(&json);
 *     json_end(&json);
 *
 * `name` is that of the member; NULL within an array and for the document itself. Each must be
 * given where it belongs: that is not checked. A failed write shows at the stream (ferror), which a
 * main looks at in the end.
 */
#ifndef REPORT_JSON_H
#define REPORT_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum json_style {
    JSON_INDENTED, /* for people too */
    JSON_LINE,     /* each document a line of its own: JSON lines, NDJSON */
};

enum { JSON_DEPTH_MAX = 16 };

struct json {
    FILE *out;
    enum json_style style;
    unsigned depth;
    struct {
        char close;
        bool has_items;
    } levels[JSON_DEPTH_MAX];
};

void json_open(struct json *json, FILE *out, enum json_style style);

/* Begin an object or an array; json_end ends the innermost one. The end of the document is a
 * newline. */
void json_object(struct json *json, const char *name);
void json_array(struct json *json, const char *name);
void json_end(struct json *json);

/* Text in UTF-8; what is not well-formed becomes U+FFFD. NULL is null. */
void json_string(struct json *json, const char *name, const char *text);

void json_unsigned(struct json *json, const char *name, uint64_t value);
void json_signed(struct json *json, const char *name, int64_t value);
void json_bool(struct json *json, const char *name, bool value);
void json_null(struct json *json, const char *name);

/* With so many digits behind the point. What is no number is null. */
void json_real(struct json *json, const char *name, double value, unsigned decimals);

/* Seconds since 1970 UTC as "2026-11-20T03:00:59Z" (RFC 3339); null for 0, which is "not known". */
void json_moment(struct json *json, const char *name, int64_t moment);

/* An LSN as PostgreSQL writes it, "16/B374D848". */
void json_lsn(struct json *json, const char *name, uint64_t address);

/* A 64-bit number as a string, since readers of JSON keep 53 bits: a system identifier. */
void json_digits(struct json *json, const char *name, uint64_t value);

#endif
