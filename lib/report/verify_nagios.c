#include "report/human.h"
#include "report/verify.h"

#include <inttypes.h>

/* ---- the judgement ---- */

/* Seconds that something has waited to be archived; without a backlog the age of the newest WAL. */
static int64_t lag(const struct verify_story *story)
{
    int64_t since =
        story->backlog ? story->backlog->oldest : verify_total(story->verification).newest;
    return since && since < story->now ? story->now - since : 0;
}

/* Nothing that a selection leaves out is missed. */
static bool has_no_wal(const struct verify_story *story)
{
    return selection_is_all(&story->verification->selection) &&
           verify_total(story->verification).segments == 0;
}

static bool has_no_use(const struct verify_story *story)
{
    struct verify_totals totals = verify_total(story->verification);
    return selection_is_all(&story->verification->selection) && totals.backups &&
           !totals.restorable;
}

static bool is_late(const struct verify_story *story, int64_t limit)
{
    bool never = !story->backlog && has_no_wal(story);
    return limit && (never || lag(story) >= limit);
}

enum verify_status verify_judge(const struct verify_story *story)
{
    if (!verification_is_whole(story->verification) || is_late(story, story->critical))
        return VERIFY_CRITICAL;
    return has_no_use(story) || is_late(story, story->warning) ? VERIFY_WARNING : VERIFY_OK;
}

/* ---- the line ---- */

static void tell_missing(const struct verification *verification, FILE *out)
{
    struct verify_faults faults = verification_faults(verification);
    for (size_t i = 0; i < verification->gap_count; i++)
        if (!verification->gaps[i].known) {
            fprintf(out, "; %zu %s, first %s", faults.gaps, faults.gaps == 1 ? "gap" : "gaps",
                    verification->gaps[i].first.text);
            return;
        }
}

static void tell_faults(const struct verification *verification, FILE *out)
{
    struct verify_faults faults = verification_faults(verification);
    fputs(verification_is_whole(verification) ? "whole" : "not whole", out);
    tell_missing(verification, out);
    if (faults.damaged)
        fprintf(out, "; %zu damaged, first %s", faults.damaged, verification->damages[0].key.text);
    if (faults.backups)
        fprintf(out, "; %zu %s that can't be restored", faults.backups,
                faults.backups == 1 ? "backup" : "backups");
}

static void tell_uses(const struct verify_story *story, FILE *out)
{
    if (has_no_wal(story))
        fputs("; no WAL is there", out);
    if (has_no_use(story))
        fputs("; no backup that is known can be restored", out);
}

static void tell_lag(const struct verify_story *story, FILE *out)
{
    char text[HUMAN_SIZE];
    if (story->backlog && story->backlog->files)
        fprintf(out, "; %" PRIu64 " wait to be archived, for %s", story->backlog->files,
                human_duration(lag(story), text));
    else if (story->backlog)
        fputs("; nothing waits to be archived", out);
    else if (verify_total(story->verification).newest)
        fprintf(out, "; newest WAL archived %s ago", human_duration(lag(story), text));
}

/* 'label'=value[UOM];[warn];[crit];[min] */
static void tell_performance(const struct verify_story *story, FILE *out)
{
    struct verify_totals totals = verify_total(story->verification);
    struct verify_faults faults = verification_faults(story->verification);
    fprintf(out, " | gaps=%zu;;0;0 missing=%" PRIu64 ";;0;0 known_gaps=%zu;;;0", faults.gaps,
            faults.missing, faults.known_gaps);
    fprintf(out, " damaged=%zu;;0;0 unusable_backups=%zu;;0;0", faults.damaged, faults.backups);
    fprintf(out, " segments=%" PRIu64 ";;;0 bytes=%" PRIu64 "B;;;0 backups=%zu;;;0",
            totals.segments, totals.stored, totals.backups);
    fprintf(out, " restorable_backups=%zu;;;0", totals.restorable);
    if (story->backlog)
        fprintf(out, " backlog=%" PRIu64 ";;;0", story->backlog->files);
    fprintf(out, " %s=%" PRId64 "s;", story->backlog ? "waiting" : "age", lag(story));
    if (story->warning)
        fprintf(out, "%" PRId64, story->warning);
    fputc(';', out);
    if (story->critical)
        fprintf(out, "%" PRId64, story->critical);
    fputs(";0\n", out);
}

void verify_nagios(const struct verify_story *story, FILE *out)
{
    static const char *const words[] = {[VERIFY_OK] = "OK",
                                        [VERIFY_WARNING] = "WARNING",
                                        [VERIFY_CRITICAL] = "CRITICAL",
                                        [VERIFY_UNKNOWN] = "UNKNOWN"};
    fprintf(out, "WALVERIFY %s - %s: ", words[verify_judge(story)], story->archive);
    tell_faults(story->verification, out);
    tell_uses(story, out);
    tell_lag(story, out);
    tell_performance(story, out);
}
