/* Timeline history files and backup history files. */
#include "base/error.h"
#include "tap.h"
#include "wal/history.h"

#include <stdlib.h>

/* The text is handed over without the zero byte behind it: reading further is for asan to see. */
static enum error_class check_bytes(const char *name_text, const char *text, size_t size)
{
    struct wal_name name;
    struct error error = {ERROR_NONE, ""};
    if (!wal_name_parse(name_text, strlen(name_text), &name))
        abort();
    char *copy = malloc(size + 1), *bytes = copy + 1; /* so that size may be 0 */
    memcpy(bytes, text, size);
    int result = wal_history_check(&name, bytes, size, &error);
    free(copy);
    if ((result == 0) != (error.class == ERROR_NONE) || (result && !error.message[0]))
        abort();
    return error.class;
}

static enum error_class check(const char *name, const char *text)
{
    return check_bytes(name, text, strlen(text));
}

static void test_histories(void)
{
    static const struct {
        enum error_class class;
        const char *text, *what;
    } cases[] = {
        {ERROR_NONE, "1\t0/3000000\tno recovery target specified\n", "one entry"},
        {ERROR_NONE, "1\t0/3000000\tno\n\n2\tA/ABCDEF12\tbefore 2026-01-01 00:00:00+00\n",
         "as PostgreSQL writes two: with a blank line"},
        {ERROR_NONE, "# by hand\n\n  # more\n1 0/3000000\n", "comments, blanks, no reason"},
        {ERROR_NONE, "1\t0/3000000\tat restore point \"caf\xc3\xa9\"\r\n", "UTF-8, CRLF"},
        {ERROR_NONE, "4\tFFFFFFFF/FFFFFFFF\tx\n", "the highest LSN, the highest parent"},
        {ERROR_REFUSED, "5\t0/3000000\tx\n", "the timeline itself as its parent"},
        {ERROR_REFUSED, "1\t0/3000000\tx\n6\t0/4000000\tx\n", "a later timeline as its parent"},
        {ERROR_CORRUPT, "", "empty"},
        {ERROR_CORRUPT, "\n", "a blank line"},
        {ERROR_CORRUPT, "# nothing\n", "a comment alone"},
        {ERROR_CORRUPT, "1\t0/3000000\tcut o", "no newline at the end"},
        {ERROR_CORRUPT, "1\t0/3000000\tx\n2\t0/", "a second entry cut off"},
        {ERROR_CORRUPT, "1\n", "no LSN"},
        {ERROR_CORRUPT, "1\t\n", "no LSN behind the tab"},
        {ERROR_CORRUPT, "1\t0\n", "half an LSN"},
        {ERROR_CORRUPT, "1\t0/\n", "half an LSN and the slash"},
        {ERROR_CORRUPT, "1\t/3000000\n", "the other half"},
        {ERROR_CORRUPT, "1\t0/300000000\n", "an LSN of too many digits"},
        {ERROR_CORRUPT, "1\t0/30000G0\tx\n", "an LSN with another letter"},
        {ERROR_CORRUPT, "1 000000010000000000000003 x\n", "a segment's name: 9.2 and older"},
        {ERROR_CORRUPT, "x\t0/3000000\n", "no number"},
        {ERROR_CORRUPT, "1/0/3000000\n", "no space"},
        {ERROR_CORRUPT, "-1\t0/3000000\n", "a negative number"},
        {ERROR_CORRUPT, "0\t0/3000000\n", "timeline 0"},
        {ERROR_CORRUPT, "4294967297\t0/3000000\n", "a number that wraps to 1"},
        {ERROR_CORRUPT, "2\t0/3000000\tx\n1\t0/4000000\tx\n", "timelines that fall"},
        {ERROR_CORRUPT, "2\t0/3000000\tx\n2\t0/4000000\tx\n", "timelines that stay"},
        {ERROR_CORRUPT, "<html>503</html>\n", "something else"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        is_int(check("00000005.history", cases[i].text), cases[i].class, "history: %s",
               cases[i].what);
}

static void test_sizes(void)
{
    size_t size = (size_t)WAL_HISTORY_SIZE_MAX + 1;
    char *text = malloc(size);
    memset(text, '#', size);
    memcpy(text, "1\t0/3000000\n", 12);
    text[size - 1] = text[size - 2] = '\n';
    is_int(check_bytes("00000005.history", text, size - 1), ERROR_NONE, "the longest history");
    is_int(check_bytes("00000005.history", text, size), ERROR_CORRUPT, "one byte more");
    text[500] = '\0';
    is_int(check_bytes("00000005.history", text, size - 1), ERROR_CORRUPT, "a zero byte");
    free(text);
}

#define BACKUP "000000010000000000000002.00000028.backup"
#define START "START WAL LOCATION: 0/2000028 (file 000000010000000000000002)\n"
#define OTHER "START WAL LOCATION: 0/9000028 (file 000000010000000000000009)\n"
#define STOP "STOP WAL LOCATION: 0/2000138 (file 000000010000000000000002)\n"
#define MIDDLE                                                                                     \
    "CHECKPOINT LOCATION: 0/2000060\nBACKUP METHOD: streamed\nBACKUP FROM: primary\n"              \
    "START TIME: 2026-01-01 00:00:00 UTC\nLABEL: nightly\n"
#define END "STOP TIME: 2026-01-01 00:01:00 UTC\n"
#define END_11 "START TIMELINE: 1\n" END "STOP TIMELINE: 1\n"

static void test_backups(void)
{
    static const struct {
        enum error_class class;
        const char *text, *what;
    } cases[] = {
        {ERROR_NONE, START STOP MIDDLE END, "PostgreSQL 10"},
        {ERROR_NONE, START STOP MIDDLE END_11, "PostgreSQL 11 and later"},
        {ERROR_NONE, START STOP MIDDLE "INCREMENTAL FROM LSN: 0/1\n" END_11, "a line not known"},
        {ERROR_NONE, START STOP MIDDLE OTHER END_11, "a label that looks like a field"},
        {ERROR_CORRUPT, "", "empty"},
        {ERROR_CORRUPT, STOP MIDDLE END, "no start"},
        {ERROR_CORRUPT, START MIDDLE END, "no stop"},
        {ERROR_CORRUPT, START STOP END, "no middle"},
        {ERROR_CORRUPT, START STOP MIDDLE, "no end"},
        {ERROR_CORRUPT, START STOP MIDDLE "START TIMELINE: 1\n" END, "cut behind a line"},
        {ERROR_CORRUPT, START STOP MIDDLE "STOP TIME: 2026-01", "cut within a line"},
        {ERROR_CORRUPT, "START WAL LOCATION: 0/200002" STOP MIDDLE END, "start cut off"},
        {ERROR_CORRUPT,
         "START WAL LOCATION: 0/2000028 (file 000000010000000000000002\n" STOP MIDDLE END,
         "start without its bracket"},
        {ERROR_CORRUPT,
         "START WAL LOCATION: 0/2000028 (file 0000000100000000000)\n" STOP MIDDLE END,
         "start with half a name"},
        {ERROR_CORRUPT, STOP MIDDLE END "START WAL LOCATION: 0/2000028 (file 0000000)\n",
         "half a name at the very end"},
        {ERROR_CORRUPT, START "STOP WAL LOCATION: 0/2000138\n" MIDDLE END, "stop without a file"},
        {ERROR_CORRUPT,
         START "STOP WAL LOCATION: 0/2000020 (file 000000010000000000000002)\n" MIDDLE END,
         "a stop before the start"},
        {ERROR_REFUSED,
         "START WAL LOCATION: 0/3000028 (file 000000010000000000000003)\n" STOP MIDDLE END,
         "another segment"},
        {ERROR_REFUSED,
         "START WAL LOCATION: 0/2000028 (file 000000020000000000000002)\n" STOP MIDDLE END,
         "another timeline"},
        {ERROR_REFUSED,
         "START WAL LOCATION: 0/2000060 (file 000000010000000000000002)\n" STOP MIDDLE END,
         "another offset"},
        {ERROR_REFUSED,
         "START WAL LOCATION: 7/2000028 (file 000000010000000000000002)\n" STOP MIDDLE END,
         "an LSN outside the file"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        is_int(check(BACKUP, cases[i].text), cases[i].class, "backup: %s", cases[i].what);
}

/* The last line of a file since 11 is one of its own, so no part passes for the whole. */
static void test_cuts(void)
{
    static const char text[] = START STOP MIDDLE END_11;
    size_t accepted = 0;
    for (size_t size = 0; size < sizeof text - 1; size++)
        accepted += check_bytes(BACKUP, text, size) == ERROR_NONE;
    is_int(accepted, 0, "no beginning of a backup history file passes for one");
}

int main(void)
{
    test_histories();
    test_sizes();
    test_backups();
    test_cuts();
    return done_testing();
}
