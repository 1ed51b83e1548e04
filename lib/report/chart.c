#include "report/chart.h"
#include "base/error.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { HOUR = 3600, DAY = 24 * HOUR, WEEK = 7 * DAY };

/* Weeks begin on Mondays; 1970 did on a Thursday. */
enum { MONDAY = 4 * DAY };

static const struct unit {
    int64_t seconds;
    const char *text;
} units[] = {
    {HOUR, "hour"},         {2 * HOUR, "2 hours"}, {3 * HOUR, "3 hours"},    {4 * HOUR, "4 hours"},
    {6 * HOUR, "6 hours"},  {8 * HOUR, "8 hours"}, {12 * HOUR, "12 hours"},  {DAY, "day"},
    {2 * DAY, "2 days"},    {WEEK, "week"},        {2 * WEEK, "2 weeks"},    {4 * WEEK, "4 weeks"},
    {13 * WEEK, "quarter"}, {52 * WEEK, "year"},   {520 * WEEK, "10 years"},
};
enum { UNITS = sizeof units / sizeof *units };

static int64_t align(int64_t time, int64_t seconds)
{
    int64_t origin = seconds % WEEK == 0 ? MONDAY : 0;
    return (time - origin) / seconds * seconds + origin;
}

/* ---- from when to when ---- */

static void find_span(const struct inventory *inventory, int64_t now, int64_t *from, int64_t *to)
{
    *from = *to = 0;
    for (size_t i = 0; i < inventory->timeline_count; i++) {
        const struct inventory_timeline *timeline = &inventory->timelines[i];
        if (timeline->hour_count == 0)
            continue;
        int64_t first = timeline->hours[0].hour * HOUR;
        int64_t last = timeline->hours[timeline->hour_count - 1].hour * HOUR + HOUR - 1;
        *from = *from && *from < first ? *from : first;
        *to = last > *to ? last : *to;
    }
    /* That nothing has come since is worth seeing, but not at the cost of all the rest. */
    if (now > *to && now - *to < *to - *from)
        *to = now;
}

static void choose_step(struct chart *chart, int64_t from, int64_t to, size_t room)
{
    for (size_t i = 0; i < UNITS && from < to; i++) {
        chart->step = units[i].seconds;
        chart->from = align(from, chart->step);
        chart->steps = (size_t)((to - chart->from) / chart->step) + 1;
        if (chart->steps <= room)
            return;
    }
    if (chart->steps > room)
        chart->steps = room; /* more than ten years a step: a clock was wrong */
}

/* SIZE_MAX when it is outside. */
static size_t step_at(const struct chart *chart, int64_t time)
{
    if (time < chart->from || (size_t)((time - chart->from) / chart->step) >= chart->steps)
        return SIZE_MAX;
    return (size_t)((time - chart->from) / chart->step);
}

/* ---- lanes ---- */

static struct chart_lane *lane_of(const struct chart *chart, uint32_t timeline)
{
    for (size_t i = 0; i < chart->lane_count; i++)
        if (chart->lanes[i].timeline->timeline == timeline)
            return &chart->lanes[i];
    return NULL;
}

static void widen(struct chart_lane *lane, size_t step)
{
    if (step < lane->first)
        lane->first = step;
    if (step > lane->last)
        lane->last = step;
}

static int add_lane(struct chart *chart, const struct inventory_timeline *timeline,
                    struct error *error)
{
    struct chart_lane *lane = &chart->lanes[chart->lane_count];
    *lane = (struct chart_lane){.timeline = timeline, .first = SIZE_MAX, .parent = SIZE_MAX};
    lane->steps = calloc(chart->steps, sizeof *lane->steps);
    if (!lane->steps)
        return error_memory(error);
    for (size_t i = 0; i < timeline->hour_count; i++) {
        size_t step = step_at(chart, timeline->hours[i].hour * HOUR);
        if (step == SIZE_MAX)
            continue;
        lane->steps[step].segments += timeline->hours[i].segments;
        widen(lane, step);
    }
    for (size_t i = timeline->ancestor_count; i > 0 && lane->parent == SIZE_MAX; i--) {
        const struct chart_lane *parent = lane_of(chart, timeline->ancestors[i - 1].timeline);
        if (parent)
            lane->parent = (size_t)(parent - chart->lanes);
    }
    chart->lane_count++;
    return 0;
}

static void add_sums(struct chart *chart, const struct inventory_timeline *timeline)
{
    for (size_t i = 0; i < timeline->hour_count; i++) {
        size_t step = step_at(chart, timeline->hours[i].hour * HOUR);
        if (step == SIZE_MAX)
            continue;
        chart->sums[step] += timeline->hours[i].segments;
        if (chart->sums[step] > chart->peak)
            chart->peak = chart->sums[step];
    }
}

static int add_timelines(struct chart *chart, const struct inventory *inventory,
                         struct error *error)
{
    size_t drawn = 0;
    for (size_t i = 0; i < inventory->timeline_count; i++)
        drawn += inventory->timelines[i].hour_count > 0;
    chart->omitted = drawn > CHART_LANES_MAX ? drawn - CHART_LANES_MAX : 0;
    for (size_t i = 0, at = 0; i < inventory->timeline_count; i++) {
        const struct inventory_timeline *timeline = &inventory->timelines[i];
        if (timeline->hour_count == 0)
            continue;
        add_sums(chart, timeline);
        if (at++ >= chart->omitted && add_lane(chart, timeline, error))
            return -1;
    }
    return 0;
}

/* ---- marks ---- */

static struct chart_step *mark(struct chart *chart, uint32_t timeline, int64_t time)
{
    struct chart_lane *lane = lane_of(chart, timeline);
    size_t step = step_at(chart, time);
    if (!lane || step == SIZE_MAX)
        return NULL;
    widen(lane, step);
    return &lane->steps[step];
}

static void add_marks(struct chart *chart, const struct inventory *inventory,
                      const struct gaps *gaps)
{
    for (size_t i = 0; i < gaps->count; i++) {
        const struct gap *gap = &gaps->list[i];
        struct chart_step *step = mark(chart, gap->timeline, gap->after);
        if (step && gap->kind != GAP_HISTORY)
            step->gaps++;
    }
    for (size_t i = 0; i < inventory->backup_count; i++) {
        const struct inventory_backup *backup = &inventory->backups[i];
        struct chart_step *step = mark(chart, backup->name.timeline, backup->time);
        if (step)
            step->backups++;
    }
}

int chart_make(const struct inventory *inventory, const struct gaps *gaps, size_t room, int64_t now,
               struct chart *chart, struct error *error)
{
    int64_t from, to;
    *chart = (struct chart){0};
    find_span(inventory, now, &from, &to);
    choose_step(chart, from, to, room);
    chart->sums = calloc(chart->steps + 1, sizeof *chart->sums);
    chart->lanes = calloc(CHART_LANES_MAX, sizeof *chart->lanes);
    if (!chart->sums || !chart->lanes)
        return error_memory(error);
    if (chart->steps && add_timelines(chart, inventory, error))
        return -1;
    add_marks(chart, inventory, gaps);
    return 0;
}

void chart_free(struct chart *chart)
{
    for (size_t i = 0; i < chart->lane_count; i++)
        free(chart->lanes[i].steps);
    free(chart->lanes);
    free(chart->sums);
    *chart = (struct chart){0};
}

/* ---- words ---- */

const char *chart_step_text(const struct chart *chart)
{
    for (size_t i = 0; i < UNITS; i++)
        if (units[i].seconds == chart->step)
            return units[i].text;
    return "";
}

int64_t chart_period(const struct chart *chart, size_t least)
{
    for (size_t i = 0; i < UNITS; i++)
        if (units[i].seconds % chart->step == 0 && units[i].seconds / chart->step >= (int64_t)least)
            return units[i].seconds;
    return units[UNITS - 1].seconds;
}

int chart_label(const struct chart *chart, int64_t period, size_t step, char text[CHART_LABEL_SIZE])
{
    time_t at = (time_t)(chart->from + (int64_t)step * chart->step);
    const char *format = period < DAY ? "%m-%d %H:%M" : period < 13 * WEEK ? "%m-%d" : "%Y-%m-%d";
    struct tm tm;
    if (align(at, period) != at || !gmtime_r(&at, &tm))
        return 0;
    return strftime(text, CHART_LABEL_SIZE, format, &tm) > 0;
}
