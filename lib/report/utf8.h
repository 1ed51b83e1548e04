/* report/utf8.h - text of which nobody has promised that it is UTF-8, a character at a time. */
#ifndef REPORT_UTF8_H
#define REPORT_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { UTF8_REPLACEMENT = 0xFFFD };

struct utf8_character {
    uint32_t code;
    char text[5]; /* in UTF-8, with a zero byte */
};

/* The next character of the text, which goes on behind it; not at its end. What is not well-formed
 * (RFC 3629: overlong, surrogates, above U+10FFFF, cut off) is U+FFFD, a byte at a time. */
struct utf8_character utf8_next(const char **text);

/* How many columns a terminal gives it: one for a character, but none for what combines with the
 * one before, and two for those of East Asia (wcwidth, which knows them only in a locale of UTF-8;
 * 1 for what it does not know). */
size_t utf8_width(const char *text);

/* Does the locale that the program has set (LC_CTYPE) write UTF-8? */
bool utf8_is_locale(void);

#endif
