#include "report/json.h"
#include "base/moment.h"
#include "report/utf8.h"

#include <inttypes.h>
#include <math.h>

void json_open(struct json *json, FILE *out, enum json_style style)
{
    *json = (struct json){.out = out, .style = style};
}

static void begin_line(struct json *json)
{
    if (json->style == JSON_INDENTED)
        fprintf(json->out, "\n%*s", 2 * (int)json->depth, "");
}

static void put_text(struct json *json, const char *text)
{
    fputc('"', json->out);
    while (*text) {
        struct utf8_character character = utf8_next(&text);
        if (character.code == '"' || character.code == '\\')
            fprintf(json->out, "\\%c", (int)character.code);
        else if (character.code == '\n')
            fputs("\\n", json->out);
        else if (character.code == '\t')
            fputs("\\t", json->out);
        else if (character.code < 0x20 || character.code == 0x7f)
            fprintf(json->out, "\\u%04x", (unsigned)character.code);
        else
            fputs(character.text, json->out);
    }
    fputc('"', json->out);
}

/* What stands in front of every value. */
static void begin_value(struct json *json, const char *name)
{
    if (json->depth == 0)
        return;
    if (json->levels[json->depth - 1].has_items)
        fputs(json->style == JSON_LINE ? ", " : ",", json->out);
    json->levels[json->depth - 1].has_items = true;
    begin_line(json);
    if (!name)
        return;
    put_text(json, name);
    fputs(": ", json->out);
}

static void end_value(struct json *json)
{
    if (json->depth == 0)
        fputc('\n', json->out);
}

static void descend(struct json *json, const char *name, char open, char close)
{
    begin_value(json, name);
    fputc(open, json->out);
    json->levels[json->depth].close = close;
    json->levels[json->depth++].has_items = false;
}

void json_object(struct json *json, const char *name)
{
    descend(json, name, '{', '}');
}

void json_array(struct json *json, const char *name)
{
    descend(json, name, '[', ']');
}

void json_end(struct json *json)
{
    json->depth--;
    if (json->levels[json->depth].has_items)
        begin_line(json);
    fputc(json->levels[json->depth].close, json->out);
    end_value(json);
}

void json_string(struct json *json, const char *name, const char *text)
{
    if (!text) {
        json_null(json, name);
        return;
    }
    begin_value(json, name);
    put_text(json, text);
    end_value(json);
}

static void put_word(struct json *json, const char *name, const char *word)
{
    begin_value(json, name);
    fputs(word, json->out);
    end_value(json);
}

void json_unsigned(struct json *json, const char *name, uint64_t value)
{
    char text[32];
    snprintf(text, sizeof text, "%" PRIu64, value);
    put_word(json, name, text);
}

void json_signed(struct json *json, const char *name, int64_t value)
{
    char text[32];
    snprintf(text, sizeof text, "%" PRId64, value);
    put_word(json, name, text);
}

void json_bool(struct json *json, const char *name, bool value)
{
    put_word(json, name, value ? "true" : "false");
}

void json_null(struct json *json, const char *name)
{
    put_word(json, name, "null");
}

void json_real(struct json *json, const char *name, double value, unsigned decimals)
{
    enum { LONGEST = 384 }; /* DBL_MAX has 309 digits before the point */
    char text[LONGEST];
    snprintf(text, sizeof text, "%.*f", (int)decimals, value);
    put_word(json, name, isfinite(value) ? text : "null");
}

void json_moment(struct json *json, const char *name, int64_t moment)
{
    char text[MOMENT_SIZE];
    moment_format_iso(moment, text);
    json_string(json, name, moment ? text : NULL);
}

void json_lsn(struct json *json, const char *name, uint64_t address)
{
    char text[32];
    snprintf(text, sizeof text, "%" PRIX32 "/%" PRIX32, (uint32_t)(address >> 32),
             (uint32_t)address);
    json_string(json, name, text);
}

void json_digits(struct json *json, const char *name, uint64_t value)
{
    char text[32];
    snprintf(text, sizeof text, "%" PRIu64, value);
    json_string(json, name, text);
}
