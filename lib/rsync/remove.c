#include "base/error.h"
#include "rsync/names.h"
#include "rsync/rsync.h"
#include "rsync/run.h"
#include "rsync/shell.h"

#include <string.h>

/* In one run: names that are not here, in the empty directory, are removed there. */
static int remove_all(struct rsync_storage *rsync, const struct buf *names, struct error *error)
{
    struct arguments arguments = {.list = NULL};
    struct buf script = {0};
    const struct rsync_talk talk = {.input = names};
    int result = -1;
    if (!rsync_has_shell(rsync) ||
        shell_rsync_removing(&script, rsync->place.directory, rsync->options.rsync.remote_program,
                             error) == 0) {
        if (script.data)
            rsync_begin_script(rsync, &arguments, script.data);
        else
            rsync_begin(rsync, &arguments, error);
        arguments_add(&arguments, "--delete-missing-args");
        arguments_add(&arguments, "--files-from=-");
        arguments_add(&arguments, "--from0");
        arguments_add(&arguments, "%s/none/", rsync->spool.path);
        rsync_add_path(rsync, &arguments, "");
        result = rsync_run(rsync, &arguments, &talk, error);
    }
    arguments_free(&arguments);
    buf_free(&script);
    return result;
}

struct left {
    const struct error *reason;
    storage_failed *failed;
    void *context;
};

static int take_left(void *context, char *line, struct error *error)
{
    const struct left *left = context;
    (void)error;
    if (*line == *RSYNC_MARK)
        left->failed(left->context, rsync_unescape(line + 1), left->reason);
    return 0;
}

/* Which of them are left is asked for, not read out of messages: those that would come. */
static int tell_left(struct rsync_storage *rsync, const struct buf *names, struct left *left,
                     struct error *error)
{
    struct arguments arguments = {.list = NULL};
    const struct rsync_talk talk = {take_left, left, names};
    int result = rsync_begin(rsync, &arguments, error);
    arguments_add(&arguments, "-nI8");
    arguments_add(&arguments, "--out-format=" RSYNC_MARK "%%n");
    arguments_add(&arguments, "--ignore-missing-args");
    arguments_add(&arguments, "--files-from=-");
    arguments_add(&arguments, "--from0");
    rsync_add_path(rsync, &arguments, "");
    arguments_add(&arguments, "%s/none/", rsync->spool.path);
    if (result == 0)
        result = rsync_run(rsync, &arguments, &talk, error);
    arguments_free(&arguments);
    return result;
}

static int remove_names(struct rsync_storage *rsync, const struct buf *names,
                        storage_failed *failed, void *context, struct error *error)
{
    int result = remove_all(rsync, names, error);
    if (result == 0 || rsync->code != RSYNC_PARTIAL)
        return result;
    const struct error reason = *error;
    struct left left = {&reason, failed, context};
    return tell_left(rsync, names, &left, error);
}

/* rsync wants to see the directories of the names that it does not find. */
static int make_parent(struct rsync_storage *rsync, const char *key, struct error *error)
{
    const char *slash = strrchr(key, '/');
    struct buf path = {0};
    if (!slash)
        return 0;
    int result = buf_printf(&path, error, "none/%.*s", (int)(slash - key), key);
    if (result == 0)
        result = spool_make(&rsync->spool, path.data, error);
    buf_free(&path);
    return result;
}

int rsync_remove(struct storage *storage, const char *const *keys, size_t count,
                 storage_failed *failed, void *context, struct error *error)
{
    struct rsync_storage *rsync = (struct rsync_storage *)storage;
    struct buf names = {0};
    int result = rsync_spool(rsync, error) || spool_make(&rsync->spool, "none", error) ? -1 : 0;
    for (size_t i = 0; i < count && result == 0; i++)
        result = make_parent(rsync, keys[i], error) ||
                         buf_append(&names, keys[i], strlen(keys[i]) + 1, error)
                     ? -1
                     : 0;
    if (result == 0 && count)
        result = remove_names(rsync, &names, failed, context, error);
    buf_free(&names);
    return result;
}
