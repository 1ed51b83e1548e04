#include "rsync/names.h"

#include <ctype.h>
#include <string.h>

int rsync_add_pattern(struct buf *rule, const char *text, struct error *error)
{
    bool wild = strpbrk(text, "*?[") != NULL; /* elsewhere a backslash is no more than that */
    for (; *text; text++)
        if ((wild && strchr("*?[\\", *text) && buf_append(rule, "\\", 1, error)) ||
            buf_append(rule, text, 1, error))
            return -1;
    return 0;
}

/* rsync writes bytes that are no text as \#ooo, and so a backslash before "#ooo". */
char *rsync_unescape(char *name)
{
    char *to = name;
    for (const char *from = name; *from; to++) {
        bool escaped = from[0] == '\\' && from[1] == '#' && isdigit((unsigned char)from[2]) &&
                       isdigit((unsigned char)from[3]) && isdigit((unsigned char)from[4]);
        *to =
            escaped ? (char)((from[2] - '0') * 64 + (from[3] - '0') * 8 + (from[4] - '0')) : *from;
        from += escaped ? 5 : 1;
    }
    *to = '\0';
    return name;
}

bool rsync_is_own(const char *key)
{
    return strncmp(key, RSYNC_OWN, sizeof RSYNC_OWN - 1) == 0;
}
