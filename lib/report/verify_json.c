#include "report/json.h"
#include "report/verify.h"

#include <string.h>

enum { SCHEMA_VERSION = 1 };

static const char *const depths[] = {
    [VERIFY_NAMES] = "names", [VERIFY_CONTENT] = "content", [VERIFY_RECORDS] = "records"};

/* ---- what was looked at ---- */

static void tell_timeline(struct json *json, const struct inventory *inventory,
                          const struct inventory_timeline *timeline)
{
    const struct wal_geometry *geometry = &inventory->geometry;
    const char *first = NULL, *last = NULL;
    struct wal_name names[2];
    if (timeline->range_count) {
        const struct inventory_range *end = &timeline->ranges[timeline->range_count - 1];
        names[0] = wal_geometry_name(geometry, timeline->timeline, timeline->ranges[0].first);
        names[1] = wal_geometry_name(geometry, timeline->timeline, end->last);
        first = names[0].text;
        last = names[1].text;
    }
    json_object(json, NULL);
    json_unsigned(json, "timeline", timeline->timeline);
    json_unsigned(json, "segments", timeline->segments);
    json_unsigned(json, "stored_bytes", timeline->stored);
    json_string(json, "first", first);
    json_string(json, "last", last);
    json_moment(json, "newest", timeline->newest);
    json_end(json);
}

static void tell_checked(struct json *json, const struct verify_checked *checked)
{
    json_object(json, "checked");
    json_unsigned(json, "objects", checked->objects);
    json_unsigned(json, "stored_bytes", checked->stored);
    json_unsigned(json, "raw_bytes", checked->raw);
    json_unsigned(json, "records", checked->records);
    json_unsigned(json, "known", checked->known);
    json_unsigned(json, "headers_only", checked->headers_only);
    json_end(json);
}

static void tell_backlog(struct json *json, const struct backlog *backlog)
{
    if (!backlog) {
        json_null(json, "backlog");
        return;
    }
    json_object(json, "backlog");
    json_unsigned(json, "files", backlog->files);
    json_moment(json, "oldest", backlog->oldest);
    json_end(json);
}

static void tell_archive(struct json *json, const struct verify_story *story)
{
    const struct inventory *inventory = &story->verification->inventory;
    json_string(json, "archive", story->archive);
    json_moment(json, "time", story->now);
    if (inventory->system_identifier)
        json_digits(json, "system_identifier", inventory->system_identifier);
    else
        json_null(json, "system_identifier");
    json_string(json, "server_version", inventory->version);
    json_unsigned(json, "segment_size", inventory->geometry.segment_size);
    json_string(json, "depth", depths[story->verification->depth]);
    tell_checked(json, &story->verification->checked);
    tell_backlog(json, story->backlog);
    json_bool(json, "whole", verification_is_whole(story->verification));
    json_array(json, "timelines");
    for (size_t i = 0; i < inventory->timeline_count; i++)
        tell_timeline(json, inventory, &inventory->timelines[i]);
    json_end(json);
}

/* ---- gaps ---- */

/* Which backups end where segments are missing, and which is the first behind them. */
static void tell_consequences(struct json *json, const struct verification *verification,
                              uint32_t timeline, uint64_t first, uint64_t last)
{
    const struct inventory_backup *told = NULL;
    const struct inventory_backup *behind = verification_behind(verification, timeline, last);
    json_array(json, "ends");
    for (size_t i = 0; i < verification->recoveries.count; i++) {
        const struct recovery *recovery = &verification->recoveries.list[i];
        if (recovery->backup != told &&
            verification_stops(verification, recovery, timeline, first, last)) {
            told = recovery->backup;
            json_string(json, NULL, told->name.text);
        }
    }
    json_end(json);
    json_string(json, "reached_behind", behind ? behind->name.text : NULL);
}

static void tell_none(struct json *json)
{
    json_array(json, "ends");
    json_end(json);
    json_null(json, "reached_behind");
}

static void tell_gap(struct json *json, const struct verification *verification,
                     const struct verify_gap *gap)
{
    static const char *const kinds[] = {
        [GAP_WITHIN] = "within", [GAP_AT_FORK] = "fork", [GAP_HISTORY] = "history"};
    bool is_history = gap->gap.kind == GAP_HISTORY;
    json_object(json, NULL);
    json_string(json, "kind", kinds[gap->gap.kind]);
    json_unsigned(json, "timeline", gap->gap.timeline);
    json_string(json, "first", gap->first.text);
    json_string(json, "last", gap->last.text);
    json_unsigned(json, "segments", is_history ? 0 : gap->gap.last - gap->gap.first + 1);
    json_unsigned(json, "shown_by_timeline", gap->gap.seen);
    json_moment(json, "before", gap->gap.after);
    json_bool(json, "known", gap->known != NULL);
    json_string(json, "why", gap->known ? gap->known->why : NULL);
    if (is_history)
        tell_none(json);
    else
        tell_consequences(json, verification, gap->gap.timeline, gap->gap.first, gap->gap.last);
    json_end(json);
}

static void tell_gaps(struct json *json, const struct verification *verification)
{
    json_array(json, "gaps");
    for (size_t i = 0; i < verification->gap_count; i++)
        tell_gap(json, verification, &verification->gaps[i]);
    json_end(json);
    json_array(json, "known_gaps_unused");
    for (size_t i = 0; i < verification->known.count; i++)
        if (!verification->known.list[i].fits)
            json_unsigned(json, NULL, verification->known.list[i].line);
    json_end(json);
}

/* ---- damage ---- */

static void tell_damage(struct json *json, const struct verification *verification,
                        const struct verify_damage *damage)
{
    uint64_t number;
    bool lacks = verification_lacks(verification, &damage->name, &number);
    json_object(json, NULL);
    json_string(json, "object", damage->key.text);
    json_string(json, "name", damage->name.text);
    json_string(json, "problem", damage->problem);
    json_bool(json, "only_copy", lacks);
    if (lacks)
        tell_consequences(json, verification, damage->name.timeline, number, number);
    else
        tell_none(json);
    json_end(json);
}

static void tell_damages(struct json *json, const struct verification *verification)
{
    json_array(json, "damaged");
    for (size_t i = 0; i < verification->damage_count; i++)
        tell_damage(json, verification, &verification->damages[i]);
    json_end(json);
}

/* ---- backups and what can be recovered ---- */

static void tell_backup(struct json *json, const struct inventory_backup *backup,
                        enum verify_backup verdict)
{
    static const char *const verdicts[] = {
        [BACKUP_RESTORABLE] = "restorable", [BACKUP_OUTSIDE] = "outside", [BACKUP_CUT] = "cut",
        [BACKUP_KNOWN] = "known",           [BACKUP_DAMAGED] = "damaged",
    };
    bool is_read = verdict != BACKUP_DAMAGED;
    json_object(json, NULL);
    json_string(json, "name", backup->name.text);
    json_string(json, "verdict", verdicts[verdict]);
    json_string(json, "label", is_read ? backup->content.label : NULL);
    json_string(json, "start_time", is_read ? backup->content.start_time : NULL);
    json_string(json, "stop_time", is_read ? backup->content.stop_time : NULL);
    json_moment(json, "archived", backup->time);
    json_end(json);
}

static void tell_end(struct json *json, const struct verify_end *end)
{
    static const char *const kinds[] = {[VERIFY_END_UNKNOWN] = NULL,
                                        [VERIFY_END_ARCHIVED] = "archived",
                                        [VERIFY_END_COMMIT] = "commit"};
    json_moment(json, "until", end->moment);
    json_string(json, "until_is", kinds[end->kind]);
}

static void tell_recovery(struct json *json, const struct verification *verification, size_t index)
{
    const struct recovery *recovery = &verification->recoveries.list[index];
    const struct wal_geometry *geometry = &verification->inventory.geometry;
    struct wal_name last = wal_geometry_name(geometry, recovery->last_timeline, recovery->last);
    json_object(json, NULL);
    json_string(json, "backup", recovery->backup->name.text);
    json_unsigned(json, "timeline", recovery->timeline);
    json_lsn(json, "from_lsn", recovery->backup->content.stop);
    json_lsn(json, "until_lsn", wal_geometry_address(geometry, recovery->last + 1));
    json_string(json, "last_segment", last.text);
    tell_end(json, &verification->ends[index]);
    json_bool(json, "wal_behind", recovery->goes_on);
    json_end(json);
}

static void tell_backups(struct json *json, const struct verification *verification)
{
    const struct inventory *inventory = &verification->inventory;
    json_array(json, "backups");
    for (size_t i = 0; i < inventory->backup_count; i++)
        tell_backup(json, &inventory->backups[i], verification->backups[i]);
    json_end(json);
    json_array(json, "recoverable");
    for (size_t i = 0; i < verification->recoveries.count; i++)
        if (verification->recoveries.list[i].consistent)
            tell_recovery(json, verification, i);
    json_end(json);
}

void verify_json(const struct verify_story *story, FILE *out)
{
    struct json json;
    json_open(&json, out, JSON_INDENTED);
    json_object(&json, NULL);
    json_unsigned(&json, "schema_version", SCHEMA_VERSION);
    tell_archive(&json, story);
    tell_gaps(&json, story->verification);
    tell_damages(&json, story->verification);
    tell_backups(&json, story->verification);
    json_end(&json);
}
