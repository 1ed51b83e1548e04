/* JSON, numbers for people, colours, text that is not UTF-8. */
#include "report/color.h"
#include "report/human.h"
#include "report/json.h"
#include "report/utf8.h"
#include "tap.h"

#include <locale.h>
#include <math.h>
#include <stdlib.h>

/* What `write` puts out; overwritten by the next call. */
static const char *written(enum json_style style, void (*write)(struct json *json))
{
    static char text[4096];
    struct json json;
    FILE *out = fmemopen(text, sizeof text, "w");
    json_open(&json, out, style);
    write(&json);
    fclose(out);
    return text;
}

static void nested(struct json *json)
{
    json_object(json, NULL);
    json_array(json, "empty");
    json_end(json);
    json_array(json, "list");
    json_unsigned(json, NULL, UINT64_MAX);
    json_signed(json, NULL, -1);
    json_object(json, NULL);
    json_end(json);
    json_end(json);
    json_bool(json, "yes", true);
    json_null(json, "none");
    json_real(json, "ratio", 2.345, 1);
    json_real(json, "no number", NAN, 1);
    json_moment(json, "time", 1792465259);
    json_moment(json, "unknown", 0);
    json_lsn(json, "lsn", UINT64_C(0x16B374D848));
    json_digits(json, "id", UINT64_C(7300000000000000001));
    json_end(json);
}

static void strings(struct json *json)
{
    json_array(json, NULL);
    json_string(json, NULL, "quote \" backslash \\ newline \n tab \t bell \a delete \x7f");
    json_string(json, NULL, "caf\xc3\xa9 \xe6\xbc\xa2 \xf0\x9f\x90\x98");
    json_string(json, NULL, NULL);
    json_end(json);
}

static void test_json(void)
{
    is_string(written(JSON_LINE, nested),
              "{\"empty\": [], \"list\": [18446744073709551615, -1, {}], \"yes\": true, \"none\": "
              "null, \"ratio\": 2.3, \"no number\": null, \"time\": \"2026-10-20T03:00:59Z\", "
              "\"unknown\": null, \"lsn\": \"16/B374D848\", \"id\": \"7300000000000000001\"}\n",
              "JSON in a line");
    is_string(written(JSON_LINE, strings),
              "[\"quote \\\" backslash \\\\ newline \\n tab \\t bell \\u0007 delete \\u007f\", "
              "\"caf\xc3\xa9 \xe6\xbc\xa2 \xf0\x9f\x90\x98\", null]\n",
              "strings are escaped");
    ok(strstr(written(JSON_INDENTED, nested), "\n  \"list\": [\n    18446744073709551615,\n") !=
           NULL,
       "JSON with indents");
}

static void test_utf8(void)
{
    static const struct {
        const char *text, *what;
        unsigned replaced, others;
    } cases[] = {
        {"caf\xc3\xa9", "two bytes", 0, 4},     {"\xf4\x8f\xbf\xbf", "the last code", 0, 1},
        {"\xf4\x90\x80\x80", "above it", 4, 0}, {"\xed\xa0\x80", "a surrogate", 3, 0},
        {"\xc0\x80", "an overlong zero", 2, 0}, {"\xe0\x80\xaf", "an overlong slash", 3, 0},
        {"\xe9t\xe9", "Latin-1", 2, 1},         {"\xf0\x9f\x90", "cut off", 3, 0},
        {"\xff\xfe", "no first bytes", 2, 0},   {"\x80", "no beginning", 1, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        unsigned replaced = 0, others = 0;
        for (const char *at = cases[i].text; *at;)
            *(utf8_next(&at).code == UTF8_REPLACEMENT ? &replaced : &others) += 1;
        ok(replaced == cases[i].replaced && others == cases[i].others, "UTF-8: %s", cases[i].what);
    }
}

static void test_human(void)
{
    static const struct {
        uint64_t bytes;
        const char *text;
    } sizes[] = {
        {0, "0 B"},
        {1023, "1023 B"},
        {1024, "1 KiB"},
        {1536, "1.5 KiB"},
        {UINT64_C(1288490189), "1.2 GiB"},
        {(1 << 20) - 1, "1 MiB"},
        {UINT64_C(12) << 20, "12 MiB"},
        {UINT64_C(123456789), "118 MiB"},
        {UINT64_MAX, "16 EiB"},
    };
    static const struct {
        int64_t seconds;
        const char *text;
    } durations[] = {
        {0, "0 s"},           {119, "119 s"},        {120, "2 min"},         {3599, "59 min"},
        {3600, "1 h"},        {12000, "3 h 20 min"}, {180000, "2 days 2 h"}, {172800, "2 days"},
        {3542400, "41 days"}, {-7200, "-2 h"},
    };
    char text[HUMAN_SIZE];
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        is_string(human_size(sizes[i].bytes, text), sizes[i].text, "size %s", sizes[i].text);
    for (size_t i = 0; i < sizeof durations / sizeof *durations; i++)
        is_string(human_duration(durations[i].seconds, text), durations[i].text, "duration %s",
                  durations[i].text);
    is_string(human_count(0, text), "0", "count 0");
    is_string(human_count(999, text), "999", "count 999");
    is_string(human_count(300000, text), "300,000", "count 300,000");
    is_string(human_count(UINT64_MAX, text), "18,446,744,073,709,551,615", "the highest count");
    is_string(human_rate(1 << 20, 500, text), "2 MiB/s", "rate");
    is_string(human_rate(1, 0, text), "-", "no rate");
    is_string(human_ratio(345, 100, text), "3.45", "ratio");
    is_string(human_ratio(1, 0, text), "-", "no ratio");
    is_string(human_lsn(UINT64_C(0x16B374D848), text), "16/B374D848", "LSN");
}

static void test_colors(void)
{
    setenv("TERM", "xterm", 1);
    unsetenv("NO_COLOR");
    struct colors on = color_choose(COLOR_ALWAYS, stdout), off = color_choose(COLOR_NEVER, stdout);
    is_string(color_begin(&on, COLOR_BAD), "\033[31m", "colours always");
    is_string(color_end(&on, COLOR_BAD), "\033[0m", "... and their end");
    is_string(color_end(&on, COLOR_PLAIN), "", "plain text has none");
    is_string(color_begin(&off, COLOR_BAD), "", "colours never");
    FILE *file = fopen("/dev/null", "w");
    ok(!color_choose(COLOR_AUTO, file).on, "none in a file");
    fclose(file);
}

int main(void)
{
    test_json();
    test_utf8();
    test_human();
    test_colors();
    return done_testing();
}
