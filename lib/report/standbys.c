#include "report/standbys.h"
#include "base/error.h"
#include "report/human.h"
#include "report/table.h"

#include <string.h>

static const struct table_column columns[] = {
    {"name", TABLE_LEFT}, {"still needs", TABLE_LEFT}, {"heard of (UTC)", TABLE_LEFT},
    {"", TABLE_LEFT},     {NULL, TABLE_LEFT},
};

/* A restart point of 24 zeros is none. */
static bool is_known(const struct standby *standby)
{
    return strspn(standby->segment, "0") < WAL_SEGMENT_NAME_LENGTH;
}

static bool is_silent(const struct summary *summary, const struct standby *standby)
{
    return summary->now - standby->heard > summary->standby_timeout;
}

static int add(struct table *table, const struct summary *summary, const struct standby *standby,
               struct error *error)
{
    char heard[HUMAN_SIZE], age[HUMAN_SIZE], note[2 * HUMAN_SIZE] = "";
    bool silent = is_silent(summary, standby);
    if (silent)
        snprintf(note, sizeof note, "silent for %s",
                 human_duration(summary->now - standby->heard, age));
    const char *cells[] = {standby->name,
                           is_known(standby) ? standby->segment : "all, as nothing is known yet",
                           human_period(standby->heard, standby->heard, heard), note};
    return table_add(table, silent ? COLOR_BAD : COLOR_PLAIN, cells, error);
}

static int add_all(struct table *table, const struct summary *summary, struct error *error)
{
    const struct standbys *standbys = summary->standbys;
    for (size_t i = 0; standbys && i < standbys->count; i++)
        if (add(table, summary, &standbys->list[i], error))
            return -1;
    return summary->standby_problem ? table_note(table, COLOR_BAD, summary->standby_problem, error)
                                    : 0;
}

int standbys_print(const struct summary *summary, FILE *out, const struct colors *colors,
                   struct error *error)
{
    struct table table;
    table_open(&table, columns);
    int result = add_all(&table, summary, error);
    if (result == 0 && table.count) {
        fprintf(out, "\n%sStandbys%s\n", color_begin(colors, COLOR_TITLE),
                color_end(colors, COLOR_TITLE));
        table_print(&table, out, colors);
    }
    table_free(&table);
    return result;
}

void standbys_json(const struct summary *summary, struct json *json)
{
    const struct standbys *standbys = summary->standbys;
    json_array(json, "standbys");
    for (size_t i = 0; standbys && i < standbys->count; i++) {
        const struct standby *standby = &standbys->list[i];
        json_object(json, NULL);
        json_string(json, "name", standby->name);
        json_string(json, "segment", is_known(standby) ? standby->segment : NULL);
        json_moment(json, "heard", standby->heard);
        json_bool(json, "silent", is_silent(summary, standby));
        json_end(json);
    }
    json_end(json);
    json_string(json, "standby_problem", summary->standby_problem);
}
