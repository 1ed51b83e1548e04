#include "aws/json.h"
#include "base/error.h"
#include "base/library.h"
#include "base/secret.h"

#include <jansson.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ABI 4 is jansson 2.x. */
#define LIBRARY "libjansson.so.4"

#define FUNCTIONS(_)                                                                               \
    _(json_set_alloc_funcs)                                                                        \
    _(json_loadb)                                                                                  \
    _(json_object_get)                                                                             \
    _(json_string_value)                                                                           \
    _(json_integer_value)                                                                          \
    _(json_delete)

#define NAME(function) #function,
static const char *const function_names[] = {FUNCTIONS(NAME) NULL};
#undef NAME

struct jansson {
    void *handle;
    union {
        void *addresses[sizeof function_names / sizeof *function_names - 1];
        struct {
#define FIELD(function) __typeof__(&function) function;
            FUNCTIONS(FIELD)
#undef FIELD
        };
    };
};

/* What jansson frees may be a secret, or a piece of one. */
static void wipe_and_free(void *memory)
{
    if (memory)
        explicit_bzero(memory, malloc_usable_size(memory));
    free(memory);
}

static int take(const struct jansson *jansson, const json_t *object, struct json_field *field,
                struct error *error)
{
    const json_t *value = jansson->json_object_get(object, field->name);
    if (!value || json_is_null(value))
        return 0;
    if (json_is_string(value))
        field->value = strdup(jansson->json_string_value(value));
    else if (!json_is_integer(value))
        return error_set(error, ERROR_UNREACHABLE, "its %s is no text", field->name);
    else if (asprintf(&field->value, "%lld", (long long)jansson->json_integer_value(value)) < 0)
        field->value = NULL;
    return field->value ? 0 : error_memory(error);
}

static int take_all(const struct jansson *jansson, const json_t *object, struct json_field *fields,
                    size_t count, struct error *error)
{
    if (!json_is_object(object))
        return error_set(error, ERROR_UNREACHABLE, "it is no JSON object");
    for (size_t i = 0; i < count; i++)
        if (take(jansson, object, &fields[i], error))
            return -1;
    return 0;
}

int json_read_fields(const char *text, size_t size, struct json_field *fields, size_t count,
                     struct error *error)
{
    struct jansson jansson;
    json_error_t problem; /* quotes the text, so it must not go into a message */
    for (size_t i = 0; i < count; i++)
        fields[i].value = NULL;
    jansson.handle =
        library_open(LIBRARY, "S3 credentials in JSON", function_names, jansson.addresses, error);
    if (!jansson.handle)
        return -1;
    jansson.json_set_alloc_funcs(malloc, wipe_and_free);
    json_t *object = jansson.json_loadb(text, size, JSON_REJECT_DUPLICATES, &problem);
    explicit_bzero(&problem, sizeof problem);
    int result = take_all(&jansson, object, fields, count, error);
    if (object)
        jansson.json_delete(object);
    library_close(jansson.handle);
    return result;
}

void json_free_fields(struct json_field *fields, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        secret_free(fields[i].value);
        fields[i].value = NULL;
    }
}
