#include "rsync/rsync.h"
#include "base/error.h"
#include "rsync/claim.h"
#include "rsync/run.h"
#include "rsync/shell.h"
#include "rsync/ssh.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

bool rsync_has_shell(const struct rsync_storage *rsync)
{
    return !rsync->place.daemon && rsync->options.rsync.shell;
}

int rsync_spool(struct rsync_storage *rsync, struct error *error)
{
    return rsync->spool.path ? 0 : spool_open(&rsync->spool, error);
}

/* By ssh, as commit does it. */
static int settle_by_shell(struct rsync_storage *rsync, const char *key, struct error *error)
{
    struct arguments arguments = {.list = NULL};
    struct buf script = {0};
    int result = 0;
    ssh_add(rsync, &arguments);
    arguments_add(&arguments, "%s", rsync->place.host);
    if (shell_settle(&script, rsync->place.directory, key, error))
        result = -1;
    else {
        arguments_add(&arguments, "%s", script.data);
        result = rsync_run(rsync, &arguments, &(struct rsync_talk){0}, error);
    }
    arguments_free(&arguments);
    buf_free(&script);
    return result;
}

/* rsync alone has nothing that syncs what is there; but a claim can be left of it. */
static int rsync_settle(struct storage *storage, const char *key, struct error *error)
{
    struct rsync_storage *rsync = (struct rsync_storage *)storage;
    if (rsync_has_shell(rsync))
        return settle_by_shell(rsync, key, error);
    claim_forget(rsync, key);
    return 0;
}

/* ---- opening ---- */

static const char *or_nothing(const char *text)
{
    return text ? text : "";
}

/* All that decides which machine, and which directory there, is reached under this name. */
static int write_scope(const struct rsync_storage *rsync, struct buf *scope, struct error *error)
{
    const struct rsync_options *options = &rsync->options.rsync;
    if (rsync->place.daemon)
        return buf_printf(scope, error, "%s %s %s", rsync->place.base,
                          or_nothing(getenv("RSYNC_PROXY")),
                          or_nothing(getenv("RSYNC_CONNECT_PROG")));
    return buf_printf(scope, error, "%s %s %" PRIu64 " %s", rsync->place.base, options->rsh,
                      options->ssh_port, or_nothing(options->ssh_identity));
}

static int rsync_notes(struct storage *storage, struct buf *scope, struct buf *notes,
                       struct error *error)
{
    struct rsync_storage *rsync = (struct rsync_storage *)storage;
    return write_scope(rsync, scope, error) ||
                   buf_printf(notes, error, "rsync-fsync=%s\n", rsync->no_fsync ? "no" : "yes")
               ? -1
               : 0;
}

static void rsync_recall(struct storage *storage, const char *notes, enum storage_belief belief)
{
    struct rsync_storage *rsync = (struct rsync_storage *)storage;
    rsync->no_fsync = belief == STORAGE_SURE && strstr(notes, "rsync-fsync=no\n");
}

static void rsync_close(struct storage *storage)
{
    struct rsync_storage *rsync = (struct rsync_storage *)storage;
    rsync_drop_early(rsync);
    rsync_finish(rsync);
    rsync_place_free(&rsync->place);
    spool_close(&rsync->spool);
    free(rsync->control);
    free(rsync);
}

static const struct storage_operations operations = {
    .traits = STORAGE_REMOTE | STORAGE_BATCHES,
    .notes = rsync_notes,
    .recall = rsync_recall,
    .close = rsync_close,
    .upload = rsync_upload,
    .upload_write = rsync_upload_write,
    .upload_commit = rsync_upload_commit,
    .commit_all = rsync_commit_all,
    .upload_close = rsync_upload_close,
    .settle = rsync_settle,
    .stat = rsync_stat,
    .download = rsync_download,
    .download_read = rsync_download_read,
    .download_close = rsync_download_close,
    .list = rsync_list,
    .remove = rsync_remove,
};

/* Programs run in the root directory, so as not to keep the server's busy; ssh replaces what begins
 * with % or $. */
static int check_path(const char *setting, const char *path, struct error *error)
{
    return !path || (*path == '/' && !strpbrk(path, "%$"))
               ? 0
               : error_set(error, ERROR_USAGE,
                           "%s: \"%s\" must be an absolute path, without %% and $", setting, path);
}

/* rsync on the far side looks for wildcards in what it is given, and for options. */
static int check_directory(const struct rsync_storage *rsync, struct error *error)
{
    const char *directory = rsync->place.directory;
    if (rsync_has_shell(rsync) || (!strpbrk(directory, "*?[\\") && !strstr(directory, "/-")))
        return 0;
    return error_set(error, ERROR_USAGE,
                     "\"%s\": where no shell is, rsync would take *, ?, [, \\ or a - behind a "
                     "slash in a path for something else: choose another",
                     directory);
}

static int set_up(struct rsync_storage *rsync, const char *location, struct error *error)
{
    const struct rsync_options *options = &rsync->options.rsync;
    if (rsync_place_parse(&rsync->place, location, error) || check_directory(rsync, error) ||
        check_path("rsync-password-file", options->password_file, error) ||
        check_path("ssh-identity", options->ssh_identity, error))
        return -1;
    if (!rsync->place.daemon && options->ssh_sharing)
        ssh_find_control(rsync);
    return 0;
}

struct storage *rsync_storage_open(const char *location, const struct storage_options *options,
                                   struct error *error)
{
    struct rsync_storage *rsync = calloc(1, sizeof *rsync);
    if (!rsync) {
        error_memory(error);
        return NULL;
    }
    rsync->storage.operations = &operations;
    rsync->options = *options;
    rsync->spool = SPOOL_NONE;
    if (set_up(rsync, location, error) == 0)
        return &rsync->storage;
    rsync_close(&rsync->storage);
    return NULL;
}
