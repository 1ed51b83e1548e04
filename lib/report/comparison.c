#include "report/comparison.h"
#include "report/human.h"
#include "report/json.h"

#include <inttypes.h>
#include <string.h>

enum { SCHEMA_VERSION = 1 };

static const char *const depths[] = {[COMPARE_NAMES] = "names", [COMPARE_CONTENT] = "content"};

/* ---- for people ---- */

static void tell_lack(const struct comparison_story *story, const struct compare_lack *lack,
                      FILE *out)
{
    char count[HUMAN_SIZE];
    fprintf(out, "  %s lacks %s", story->archives[lack->archive].location, lack->first.text);
    if (lack->count > 1)
        fprintf(out, " to %s, %s segments", lack->last.text, human_count(lack->count, count));
    fputc('\n', out);
}

static void tell_verdict(const struct comparison_story *story, const struct colors *colors,
                         FILE *out)
{
    const struct comparison *comparison = story->comparison;
    bool same = comparison_is_same(comparison);
    enum color_role role = same ? COLOR_GOOD : COLOR_BAD;
    uint64_t lacking = 0;
    char count[HUMAN_SIZE];
    for (size_t i = 0; i < comparison->lack_count; i++)
        lacking += comparison->lacks[i].count;
    fprintf(out, "%s%s%s", color_begin(colors, role), same ? "the same" : "not the same",
            color_end(colors, role));
    if (lacking)
        fprintf(out, ": %s lacking, which walpush --repair %s would copy",
                human_count(lacking, count), story->section);
    if (comparison->difference_count)
        fprintf(out, "%s %s different", lacking ? ";" : ":",
                human_count(comparison->difference_count, count));
    fputc('\n', out);
}

void comparison_text(const struct comparison_story *story, FILE *out)
{
    const struct comparison *comparison = story->comparison;
    struct colors colors = color_choose(story->color, out);
    char files[HUMAN_SIZE], compared[HUMAN_SIZE];
    fprintf(out, "%zu archives side by side: %s files", story->count,
            human_count(comparison->files, files));
    if (story->depth == COMPARE_CONTENT)
        fprintf(out, ", the content of %s compared", human_count(comparison->compared, compared));
    fputc('\n', out);
    for (size_t i = 0; i < comparison->lack_count; i++)
        tell_lack(story, &comparison->lacks[i], out);
    for (size_t i = 0; i < comparison->difference_count; i++)
        fprintf(out, "  %s is not the same: %s\n", comparison->differences[i].name.text,
                comparison->differences[i].problem);
    tell_verdict(story, &colors, out);
}

/* ---- for programs ---- */

static void tell_lacks(struct json *json, const struct comparison_story *story)
{
    json_array(json, "lacks");
    for (size_t i = 0; i < story->comparison->lack_count; i++) {
        const struct compare_lack *lack = &story->comparison->lacks[i];
        json_object(json, NULL);
        json_string(json, "archive", story->archives[lack->archive].location);
        json_string(json, "first", lack->first.text);
        json_string(json, "last", lack->last.text);
        json_unsigned(json, "files", lack->count);
        json_end(json);
    }
    json_end(json);
}

static void tell_differences(struct json *json, const struct comparison *comparison)
{
    json_array(json, "differences");
    for (size_t i = 0; i < comparison->difference_count; i++) {
        json_object(json, NULL);
        json_string(json, "name", comparison->differences[i].name.text);
        json_string(json, "problem", comparison->differences[i].problem);
        json_end(json);
    }
    json_end(json);
}

void comparison_json(const struct comparison_story *story, FILE *out)
{
    struct json json;
    json_open(&json, out, JSON_INDENTED);
    json_object(&json, NULL);
    json_unsigned(&json, "schema_version", SCHEMA_VERSION);
    json_string(&json, "kind", "comparison");
    json_array(&json, "archives");
    for (size_t i = 0; i < story->count; i++)
        json_string(&json, NULL, story->archives[i].location);
    json_end(&json);
    json_string(&json, "depth", depths[story->depth]);
    json_unsigned(&json, "files", story->comparison->files);
    json_unsigned(&json, "compared", story->comparison->compared);
    json_bool(&json, "same", comparison_is_same(story->comparison));
    tell_lacks(&json, story);
    tell_differences(&json, story->comparison);
    json_end(&json);
}
