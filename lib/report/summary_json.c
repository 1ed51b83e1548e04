#include "report/json.h"
#include "report/standbys.h"
#include "report/summary.h"
#include "report/totals.h"

#include <string.h>

static const char *segment_name(const struct inventory *inventory, uint32_t timeline,
                                uint64_t number, struct wal_name *name)
{
    *name = wal_geometry_name(&inventory->geometry, timeline, number);
    return name->text;
}

/* Members of an object that is about segments from one to another. */
static void put_span(struct json *json, const struct inventory *inventory, uint32_t timeline,
                     uint64_t first, uint64_t last)
{
    struct wal_name name;
    json_string(json, "first_segment", segment_name(inventory, timeline, first, &name));
    json_string(json, "last_segment", segment_name(inventory, timeline, last, &name));
    json_unsigned(json, "segments", last - first + 1);
    json_lsn(json, "start_lsn", wal_geometry_address(&inventory->geometry, first));
    json_lsn(json, "end_lsn", wal_geometry_address(&inventory->geometry, last + 1));
}

static void put_ratio(struct json *json, uint64_t raw, uint64_t stored)
{
    if (stored)
        json_real(json, "ratio", (double)raw / (double)stored, 3);
    else
        json_null(json, "ratio");
}

static void put_rate(struct json *json, const char *name, const struct totals *totals,
                     uint64_t bytes)
{
    uint64_t rate = totals_per_day(totals, bytes);
    if (rate)
        json_unsigned(json, name, rate);
    else
        json_null(json, name);
}

static void put_totals(struct json *json, const struct totals *totals)
{
    json_unsigned(json, "segments", totals->segments);
    json_unsigned(json, "copies", totals->copies);
    json_unsigned(json, "partials", totals->partials);
    json_unsigned(json, "stored_bytes", totals->stored);
    json_unsigned(json, "raw_bytes", totals->raw);
    put_ratio(json, totals->raw, totals->wal_stored);
    json_moment(json, "oldest", totals->oldest);
    json_moment(json, "newest", totals->newest);
    put_rate(json, "wal_bytes_per_day", totals, totals->wal);
    put_rate(json, "stored_bytes_per_day", totals, totals->wal_stored);
}

/* ---- the archive ---- */

static void put_archive(struct json *json, const struct archive *archive)
{
    json_object(json, "archive");
    json_string(json, "location", archive->location);
    json_string(json, "layout", archive->layout.form == LAYOUT_NESTED ? "nested" : "flat");
    json_string(json, "tool", archive->layout.tool);
    json_bool(json, "identity", archive->owner != 0);
    json_end(json);
}

static void put_cluster(struct json *json, const struct inventory *inventory)
{
    json_object(json, "cluster");
    if (inventory->system_identifier)
        json_digits(json, "system_identifier", inventory->system_identifier);
    else
        json_null(json, "system_identifier");
    json_string(json, "postgresql", inventory->version);
    if (inventory->has_geometry)
        json_unsigned(json, "segment_size", inventory->geometry.segment_size);
    else
        json_null(json, "segment_size");
    json_end(json);
}

static void put_selection(struct json *json, const struct selection_text *selection)
{
    json_object(json, "selection");
    json_string(json, "from", selection->from);
    json_string(json, "to", selection->to);
    json_string(json, "timeline", selection->timeline);
    json_string(json, "since", selection->since);
    json_end(json);
}

static void put_all(struct json *json, const struct summary *summary)
{
    struct totals totals;
    const struct inventory *inventory = summary->inventory;
    totals_of(inventory, &totals);
    json_object(json, "totals");
    put_totals(json, &totals);
    json_unsigned(json, "histories", totals.histories);
    json_unsigned(json, "backups", inventory->backup_count);
    json_unsigned(json, "gaps", summary->gaps->count);
    json_unsigned(json, "missing_segments", totals_missing(summary->gaps));
    json_unsigned(json, "others", inventory->others);
    json_end(json);
}

/* ---- timelines ---- */

static void put_ancestor(struct json *json, const char *name, const struct wal_ancestor *ancestor)
{
    json_object(json, name);
    json_unsigned(json, "timeline", ancestor->timeline);
    json_lsn(json, "lsn", ancestor->address);
    json_end(json);
}

static void put_problem(struct json *json, const struct error *problem)
{
    json_string(json, "problem", problem->class == ERROR_NONE ? NULL : problem->message);
}

static void put_history(struct json *json, const struct inventory_timeline *timeline)
{
    if (!*timeline->history.text) {
        json_null(json, "history");
        return;
    }
    json_object(json, "history");
    json_string(json, "key", timeline->history.text);
    json_unsigned(json, "stored_bytes", timeline->history_stored);
    json_moment(json, "archived", timeline->history_time);
    put_problem(json, &timeline->history_problem);
    json_end(json);
}

static void put_descent(struct json *json, const struct inventory_timeline *timeline)
{
    if (timeline->ancestor_count)
        put_ancestor(json, "parent", &timeline->ancestors[timeline->ancestor_count - 1]);
    else
        json_null(json, "parent");
    json_array(json, "ancestors");
    for (size_t i = 0; i < timeline->ancestor_count; i++)
        put_ancestor(json, NULL, &timeline->ancestors[i]);
    json_end(json);
}

static void put_ranges(struct json *json, const struct inventory *inventory,
                       const struct inventory_timeline *timeline)
{
    json_array(json, "ranges");
    for (size_t i = 0; i < timeline->range_count; i++) {
        const struct inventory_range *range = &timeline->ranges[i];
        json_object(json, NULL);
        put_span(json, inventory, timeline->timeline, range->first, range->last);
        json_unsigned(json, "stored_bytes", range->stored);
        json_moment(json, "oldest", range->oldest);
        json_moment(json, "newest", range->newest);
        json_end(json);
    }
    json_end(json);
}

static void put_partials(struct json *json, const struct inventory *inventory,
                         const struct inventory_timeline *timeline)
{
    struct wal_name name;
    json_array(json, "partial_segments");
    for (size_t i = 0; i < timeline->partial_count; i++) {
        const struct inventory_partial *partial = &timeline->partials[i];
        json_object(json, NULL);
        json_string(json, "segment",
                    segment_name(inventory, timeline->timeline, partial->number, &name));
        json_string(json, "key", partial->key.text);
        json_unsigned(json, "stored_bytes", partial->stored);
        json_moment(json, "archived", partial->time);
        json_end(json);
    }
    json_end(json);
}

static void put_timelines(struct json *json, const struct inventory *inventory)
{
    struct totals totals;
    json_array(json, "timelines");
    for (size_t i = 0; i < inventory->timeline_count; i++) {
        const struct inventory_timeline *timeline = &inventory->timelines[i];
        totals_of_timeline(inventory, timeline, &totals);
        json_object(json, NULL);
        json_unsigned(json, "timeline", timeline->timeline);
        put_descent(json, timeline);
        put_history(json, timeline);
        put_totals(json, &totals);
        put_ranges(json, inventory, timeline);
        put_partials(json, inventory, timeline);
        json_end(json);
    }
    json_end(json);
}

/* ---- gaps and backups ---- */

const char *summary_gap_kind(enum gap_kind kind)
{
    static const char *const words[] = {
        [GAP_WITHIN] = "within", [GAP_AT_FORK] = "at-fork", [GAP_HISTORY] = "history"};
    return words[kind];
}

static void put_gaps(struct json *json, const struct summary *summary)
{
    json_array(json, "gaps");
    for (size_t i = 0; i < summary->gaps->count; i++) {
        const struct gap *gap = &summary->gaps->list[i];
        json_object(json, NULL);
        json_string(json, "kind", summary_gap_kind(gap->kind));
        json_unsigned(json, "timeline", gap->timeline);
        if (gap->kind != GAP_HISTORY)
            put_span(json, summary->inventory, gap->timeline, gap->first, gap->last);
        json_unsigned(json, "seen_by_timeline", gap->seen);
        json_moment(json, "next_archived", gap->after);
        json_end(json);
    }
    json_end(json);
}

static void put_content(struct json *json, const struct wal_backup *content)
{
    json_string(json, "label", content->label);
    json_unsigned(json, "timeline", content->start_timeline);
    json_lsn(json, "start_lsn", content->start);
    json_lsn(json, "stop_lsn", content->stop);
    json_string(json, "start_time", content->start_time);
    json_string(json, "stop_time", content->stop_time);
}

static void put_reach(struct json *json, const struct summary *summary,
                      const struct inventory_backup *backup)
{
    struct wal_name name;
    const struct recoveries *recoveries = summary->recoveries;
    json_array(json, "leads_to");
    for (size_t i = 0; i < recoveries->count; i++) {
        const struct recovery *recovery = &recoveries->list[i];
        if (recovery->backup != backup || !recovery->consistent)
            continue;
        json_object(json, NULL);
        json_unsigned(json, "timeline", recovery->timeline);
        json_string(
            json, "last_segment",
            segment_name(summary->inventory, recovery->last_timeline, recovery->last, &name));
        json_bool(json, "gap", recovery->goes_on);
        json_end(json);
    }
    json_end(json);
}

static void put_backup(struct json *json, const struct summary *summary,
                       const struct inventory_backup *backup)
{
    struct wal_name name;
    const struct inventory *inventory = summary->inventory;
    uint32_t timeline = backup->name.timeline;
    json_object(json, NULL);
    json_string(json, "name", backup->name.text);
    json_string(json, "key", backup->key.text);
    json_unsigned(json, "stored_bytes", backup->stored);
    json_moment(json, "archived", backup->time);
    put_problem(json, &backup->problem);
    if (backup->problem.class == ERROR_NONE)
        put_content(json, &backup->content);
    json_string(json, "first_segment", segment_name(inventory, timeline, backup->first, &name));
    if (backup->problem.class == ERROR_NONE)
        json_string(json, "last_segment",
                    segment_name(inventory, backup->content.stop_timeline, backup->last, &name));
    if (summary->recoveries && backup->problem.class == ERROR_NONE)
        put_reach(json, summary, backup);
    json_end(json);
}

void summary_json(const struct summary *summary, FILE *out)
{
    struct json json;
    json_open(&json, out, JSON_INDENTED);
    json_object(&json, NULL);
    json_unsigned(&json, "schema_version", SUMMARY_SCHEMA_VERSION);
    json_string(&json, "kind", "summary");
    json_moment(&json, "time", summary->now);
    put_archive(&json, summary->archive);
    put_cluster(&json, summary->inventory);
    put_selection(&json, summary->selection);
    put_all(&json, summary);
    put_timelines(&json, summary->inventory);
    put_gaps(&json, summary);
    json_array(&json, "backups");
    for (size_t i = 0; i < summary->inventory->backup_count; i++)
        put_backup(&json, summary, &summary->inventory->backups[i]);
    json_end(&json);
    standbys_json(summary, &json);
    json_end(&json);
}
