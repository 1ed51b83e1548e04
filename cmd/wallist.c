/* wallist - what an archive holds: ranges, gaps, timelines, base backups, sizes, ages. */
#include "survey/gaps.h"
#include "survey/inventory.h"
#include "survey/lookup.h"
#include "survey/recovery.h"
#include "retain/standby.h"
#include "base/log.h"
#include "base/moment.h"
#include "cli.h"
#include "report/graph.h"
#include "report/lookup.h"
#include "report/objects.h"
#include "report/output.h"
#include "report/summary.h"
#include "report/svg.h"
#include "report/utf8.h"

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

static struct colors colors_of(const struct settings *settings)
{
    return color_choose((enum color_when)settings->color, stdout);
}

/* ---- the summary ---- */

static int draw_svg(const struct settings *settings, const struct summary *summary,
                    struct error *error)
{
    struct output_file file;
    if (output_create(&file, settings->svg, error))
        return -1;
    int result = svg_print(summary, file.out, error);
    if (result == 0)
        result = output_commit(&file, error);
    output_discard(&file);
    return result;
}

static int draw_graph(const struct summary *summary, const struct colors *colors,
                      struct error *error)
{
    enum canvas_charset charset = utf8_is_locale() ? CANVAS_UNICODE : CANVAS_ASCII;
    return graph_print(summary, charset, graph_width(stdout), stdout, colors, error);
}

static int print_summary(const struct settings *settings, const struct summary *summary,
                         struct error *error)
{
    struct colors colors = colors_of(settings);
    if (settings->svg && draw_svg(settings, summary, error))
        return -1;
    if (settings->graph)
        return draw_graph(summary, &colors, error);
    if (settings->svg)
        return 0;
    if (!settings->json)
        return summary_print(summary, settings->full ? SUMMARY_FULL : SUMMARY_SHORT, stdout,
                             &colors, error);
    summary_json(summary, stdout);
    return 0;
}

/* The standbys of an archive of ours. A record that is damaged keeps nothing else from being told.
 */
static int read_standbys(struct archive *archive, struct summary *summary,
                         struct standbys *standbys, struct error *error)
{
    if (!archive->owner || is_part(summary->selection))
        return 0;
    summary->standbys = standbys;
    if (standbys_read(archive, standbys, error) == 0)
        return 0;
    if (error->class != ERROR_CORRUPT && error->class != ERROR_REFUSED)
        return -1;
    summary->standby_problem = error->message;
    return 0;
}

static int summarize_inventory(const struct settings *settings, struct archive *archive,
                               struct summary *summary, struct error *error)
{
    struct gaps gaps = {.count = 0};
    struct recoveries recoveries = {.count = 0};
    struct standbys standbys = {.count = 0};
    struct error damage;
    int result = gaps_find(summary->inventory, &gaps, error);
    if (result == 0)
        result = recoveries_find(summary->inventory, &recoveries, error);
    if (result == 0 && (result = read_standbys(archive, summary, &standbys, &damage)) != 0)
        *error = damage;
    summary->gaps = &gaps;
    summary->recoveries = is_part(summary->selection) ? NULL : &recoveries;
    if (result == 0)
        result = print_summary(settings, summary, error);
    standbys_free(&standbys);
    recoveries_free(&recoveries);
    gaps_free(&gaps);
    return result;
}

static int summarize(const struct settings *settings, struct archive *archive, struct error *error)
{
    struct inventory inventory;
    struct selection_text selection = selection_of(settings);
    struct summary summary = {.archive = archive,
                              .inventory = &inventory,
                              .selection = &selection,
                              .standby_timeout = (int64_t)settings->standby_timeout,
                              .now = moment_now()};
    int result = inventory_read(archive, &selection, STORAGE_DETAILS, &inventory, error);
    if (result == 0 && is_part(&selection))
        inventory_drop_empty(&inventory);
    if (result == 0)
        result = summarize_inventory(settings, archive, &summary, error);
    inventory_free(&inventory);
    return result;
}

/* ---- --long ---- */

struct listing {
    const struct settings *settings;
    const struct wal_geometry *geometry;
    struct selection selection;
    uint64_t seen;
};

static int list_object(void *context, const struct scan_object *object, struct error *error)
{
    struct json json;
    struct listing *listing = context;
    if (!object)
        return 0;
    listing->seen++;
    if (!selection_has(&listing->selection, object))
        return 0;
    if (!listing->settings->json) {
        objects_print(object, stdout);
        return output_check(stdout, error);
    }
    json_open(&json, stdout, JSON_LINE);
    json_object(&json, NULL);
    json_string(&json, "kind", "object");
    objects_json(&json, listing->geometry, object);
    json_end(&json);
    return output_check(stdout, error);
}

static int list(const struct settings *settings, struct archive *archive, struct error *error)
{
    struct inventory inventory = INVENTORY_EMPTY;
    struct listing listing = {.settings = settings, .geometry = &inventory.geometry};
    struct selection_text selection = selection_of(settings);
    const struct scan_query query = {.wanted = STORAGE_DETAILS};
    if (inventory_geometry(archive, &inventory, error) < 0 ||
        selection_parse(&selection, listing.geometry, &listing.selection, error) ||
        archive_scan(archive, &query, list_object, &listing, error))
        return -1;
    return inventory_check_seen(archive, listing.seen, error);
}

/* ---- --lsn ---- */

static int print_lookup(const struct settings *settings, struct archive *archive,
                        const struct inventory *inventory, uint64_t address, struct error *error)
{
    struct lookup lookup;
    struct selection selection;
    struct selection_text text = {.timeline = settings->timeline};
    struct colors colors = colors_of(settings);
    if (selection_parse(&text, &inventory->geometry, &selection, error))
        return -1;
    int result = lookup_find(archive, inventory, address, selection.timeline, &lookup, error);
    if (result == 0 && settings->json)
        lookup_json(archive->location, inventory, &lookup, stdout);
    else if (result == 0)
        result = lookup_print(inventory, &lookup, stdout, &colors, error);
    lookup_free(&lookup);
    return result;
}

static int look_up(const struct settings *settings, struct archive *archive, struct error *error)
{
    uint64_t address;
    struct inventory inventory;
    const struct selection_text all = {NULL, NULL, NULL, NULL};
    if (!wal_lsn_parse(settings->lsn, &address))
        return error_set(error, ERROR_USAGE, "lsn: \"%s\" is no LSN, such as 16/B374D848",
                         settings->lsn);
    int result = inventory_read(archive, &all, 0, &inventory, error);
    if (result == 0)
        result = print_lookup(settings, archive, &inventory, address, error);
    inventory_free(&inventory);
    return result;
}

/* ---- which of them ---- */

/* Options that exclude each other. */
static int check(const struct settings *settings, struct error *error)
{
    const struct {
        const char *one, *other;
        bool both;
    } conflicts[] = {
        {"long", "lsn", settings->long_list && settings->lsn},
        {"long", "graph", settings->long_list && settings->graph},
        {"lsn", "graph", settings->lsn && settings->graph},
        {"long", "svg", settings->long_list && settings->svg},
        {"lsn", "svg", settings->lsn && settings->svg},
        {"json", "svg", settings->json && settings->svg},
        {"full", "svg", settings->full && settings->svg},
        {"json", "graph", settings->json && settings->graph},
        {"full", "graph", settings->full && settings->graph},
        {"full", "json", settings->full && settings->json},
        {"full", "long", settings->full && settings->long_list},
        {"full", "lsn", settings->full && settings->lsn},
        {"lsn", "from", settings->lsn && settings->from},
        {"lsn", "to", settings->lsn && settings->to},
        {"lsn", "since", settings->lsn && settings->since},
    };
    for (size_t i = 0; i < sizeof conflicts / sizeof *conflicts; i++)
        if (conflicts[i].both)
            return error_set(error, ERROR_USAGE, "--%s and --%s can't be had together",
                             conflicts[i].one, conflicts[i].other);
    return 0;
}

static void say_layout(const struct archive *archive)
{
    const struct layout *layout = &archive->layout;
    log_info("%s: %s%s%s", archive->location, layout->tool ? layout->tool : "",
             layout->tool ? ", " : "",
             layout->form == LAYOUT_NESTED ? "segments in directories" : "a flat directory");
}

static int show(const struct settings *settings, struct archive *archive, struct error *error)
{
    if (archive_recognise(archive, error))
        return -1;
    say_layout(archive);
    return settings->lsn         ? look_up(settings, archive, error)
           : settings->long_list ? list(settings, archive, error)
                                 : summarize(settings, archive, error);
}

static int show_one(void *context, struct archive *archive, struct error *error)
{
    const struct settings *settings = context;
    if (archive_open(archive, error))
        return -1;
    int result = show(settings, archive, error);
    /* What vanishes while it is listed is not "absent". */
    if (result && error->class == ERROR_MISSING)
        error->class = ERROR_UNREACHABLE;
    if (result == 0 && settings_archive_count(settings) > 1 && !settings->json)
        putchar('\n');
    archive_close(archive);
    return result;
}

static int run(const struct settings *settings, char **operands, struct error *error)
{
    (void)operands;
    setlocale(LC_CTYPE, ""); /* how wide text is, and what can be drawn */
    if (check(settings, error))
        return -1;
    if ((settings->svg || settings->long_list) && settings_archive_count(settings) > 1)
        return error_set(error, ERROR_USAGE,
                         "%s: the section names several archives: give one of them",
                         settings->svg ? "svg" : "long");
    return cli_each(settings, CLI_IN_TURN, show_one, (void *)settings, error);
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
