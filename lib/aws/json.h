/* aws/json.h - fields of a JSON object, by jansson, which is loaded when the first is read.
 * Only for files of this room. */
#ifndef AWS_JSON_H
#define AWS_JSON_H

#include <stddef.h>

struct error;

struct json_field {
    const char *name; /* asked for */
    char *value;      /* NULL: not there, or null */
};

/* Reads a whole document, an object, and sets the values of the fields that are asked for: texts,
 * and whole numbers as digits. Other fields do not matter. Values are to be given back by
 * json_free_fields, also after a failure. ERROR_UNREACHABLE, without a word of the text: not JSON,
 * no object, a name twice, a field that is something else. All memory of the document is wiped. */
int json_read_fields(const char *text, size_t size, struct json_field *fields, size_t count,
                     struct error *error);

/* Wipes and frees the values; the names stay. */
void json_free_fields(struct json_field *fields, size_t count);

#endif
