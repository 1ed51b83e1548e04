#include "crypto/encode.h"

#include <stdint.h>
#include <string.h>

static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void encode_hex(const unsigned char *data, size_t size, char *hex)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < size; i++) {
        *hex++ = digits[data[i] >> 4];
        *hex++ = digits[data[i] & 15];
    }
    *hex = '\0';
}

void encode_base64(const unsigned char *data, size_t size, char *text)
{
    for (size_t at = 0; at < size; at += 3) {
        size_t count = size - at < 3 ? size - at : 3;
        uint32_t group = 0;
        for (size_t i = 0; i < 3; i++)
            group = group << 8 | (i < count ? data[at + i] : 0);
        /* n bytes need n + 1 digits. */
        for (size_t i = 0; i < 4; i++)
            *text++ = i <= count ? base64_digits[group >> (18 - 6 * i) & 63] : '=';
    }
    *text = '\0';
}

ssize_t decode_base64(const char *text, unsigned char *data, size_t size)
{
    /* What must follow, by the number of digits in the last group; one digit is no byte. */
    static const char *const endings[] = {"", NULL, "==", "="};
    size_t used = 0;
    uint32_t bits = 0;
    unsigned pending = 0;
    const char *c = text;
    for (; *c && *c != '='; c++) {
        const char *digit = strchr(base64_digits, *c);
        if (!digit)
            return -1;
        bits = bits << 6 | (uint32_t)(digit - base64_digits);
        pending += 6;
        if (pending < 8)
            continue;
        if (used == size)
            return -1;
        pending -= 8;
        data[used++] = (unsigned char)(bits >> pending);
        bits &= (1U << pending) - 1;
    }
    const char *ending = endings[(size_t)(c - text) % 4];
    return bits == 0 && ending && strcmp(c, ending) == 0 ? (ssize_t)used : -1;
}
