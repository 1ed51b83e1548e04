#include "report/utf8.h"

#include <langinfo.h>
#include <string.h>
#include <wchar.h>

/* How long a character is by its first byte, the bits that this byte gives, and the least code that
 * needs that length. */
static const struct form {
    unsigned char mask, lead, bits;
    unsigned char length;
    uint32_t least;
} forms[] = {
    {0x80, 0x00, 0x7f, 1, 0},
    {0xe0, 0xc0, 0x1f, 2, 0x80},
    {0xf0, 0xe0, 0x0f, 3, 0x800},
    {0xf8, 0xf0, 0x07, 4, 0x10000},
};

static const struct form *form_of(unsigned char first)
{
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        if ((first & forms[i].mask) == forms[i].lead)
            return &forms[i];
    return NULL;
}

static struct utf8_character replaced(const char **text)
{
    ++*text;
    return (struct utf8_character){UTF8_REPLACEMENT, "\xef\xbf\xbd"};
}

struct utf8_character utf8_next(const char **text)
{
    struct utf8_character character = {0};
    const unsigned char *bytes = (const unsigned char *)*text;
    const struct form *form = form_of(bytes[0]);
    if (!form)
        return replaced(text);
    character.code = bytes[0] & form->bits;
    for (unsigned i = 1; i < form->length; i++) {
        if ((bytes[i] & 0xc0) != 0x80)
            return replaced(text);
        character.code = character.code << 6 | (bytes[i] & 0x3f);
    }
    if (character.code < form->least || character.code > 0x10ffff ||
        (character.code >= 0xd800 && character.code <= 0xdfff))
        return replaced(text);
    memcpy(character.text, *text, form->length);
    *text += form->length;
    return character;
}

size_t utf8_width(const char *text)
{
    size_t columns = 0;
    while (*text) {
        int width = wcwidth((wchar_t)utf8_next(&text).code);
        columns += width < 0 ? 1 : (size_t)width;
    }
    return columns;
}

bool utf8_is_locale(void)
{
    return strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}
