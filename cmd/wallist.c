/* wallist - what an archive holds: ranges, gaps, timelines, base backups, sizes, ages. */
#include "archive/gaps.h"
#include "archive/inventory.h"
#include "archive/recovery.h"
#include "base/moment.h"
#include "cli.h"
#include "report/summary.h"

#include <locale.h>

static struct selection_text selection_of(const struct settings *settings)
{
    return (struct selection_text){settings->from, settings->to, settings->timeline,
                                   settings->since};
}

static bool is_part(const struct selection_text *selection)
{
    return selection->from || selection->to || selection->timeline || selection->since;
}

/* ---- the summary ---- */

static int print(const struct settings *settings, const struct summary *summary,
                 struct error *error)
{
    struct colors colors = color_choose((enum color_when)settings->color, stdout);
    if (!settings->json)
        return summary_print(summary, settings->full ? SUMMARY_FULL : SUMMARY_SHORT, stdout,
                             &colors, error);
    summary_json(summary, stdout);
    return 0;
}

static int summarize(const struct settings *settings, struct summary *summary, struct error *error)
{
    struct gaps gaps = {.count = 0};
    struct recoveries recoveries = {.count = 0};
    int result = gaps_find(summary->inventory, &gaps, error);
    if (result == 0)
        result = recoveries_find(summary->inventory, &recoveries, error);
    summary->gaps = &gaps;
    summary->recoveries = is_part(summary->selection) ? NULL : &recoveries;
    if (result == 0)
        result = print(settings, summary, error);
    recoveries_free(&recoveries);
    gaps_free(&gaps);
    return result;
}

static int list(const struct settings *settings, struct archive *archive, struct error *error)
{
    struct inventory inventory;
    struct selection_text selection = selection_of(settings);
    struct summary summary = {
        .archive = archive, .inventory = &inventory, .selection = &selection, .now = moment_now()};
    int result = inventory_read(archive, &selection, STORAGE_DETAILS, &inventory, error);
    if (result == 0)
        result = summarize(settings, &summary, error);
    inventory_free(&inventory);
    return result;
}

static int run(const struct settings *settings, char **operands, struct error *error)
{
    struct archive archive;
    (void)operands;
    setlocale(LC_CTYPE, ""); /* how wide text is, and what can be drawn */
    if (cli_archive(settings, &archive, error) || archive_open(&archive, error))
        return -1;
    int result = list(settings, &archive, error);
    archive_close(&archive);
    return result;
}

int main(int argc, char **argv)
{
    static const struct cli wallist = {
        .name = "wallist",
        .command = SETTINGS_WALLIST,
        .operands = "",
        .summary = "Says what an archive holds: ranges of segments, gaps, timelines, base backups.",
        .run = run,
    };
    return cli_main(&wallist, argc, argv);
}
