#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "rsync/claim.h"
#include "rsync/names.h"
#include "rsync/rsync.h"
#include "rsync/run.h"
#include "rsync/shell.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

struct upload {
    struct storage_upload upload;
    char *key;
    char *directory; /* its own, in the spool */
    char *file;      /* in that directory, as rsync is to name it over there */
    char *early;     /* the same for a run that was begun early */
    int fd;
    size_t head_size;
    bool made; /* under its key, by the last run */
};

struct batch {
    struct upload *list[STORAGE_BATCH_MAX];
    size_t count;
};

/* ---- the object, in the spool ---- */

static int name_file(struct upload *upload, const struct rsync_storage *rsync, struct error *error)
{
    uint64_t number;
    int length = -1;
    if (!rsync_has_shell(rsync))
        length = asprintf(&upload->file, "%s", upload->key);
    else if (getrandom(&number, sizeof number, 0) == sizeof number)
        length = asprintf(&upload->file, "put-%016" PRIx64, number);
    if (length >= 0)
        return 0;
    upload->file = NULL;
    return error_memory(error);
}

static int begin(struct upload *upload, struct rsync_storage *rsync, size_t head_size,
                 struct error *error)
{
    char *path = NULL;
    if (rsync_spool(rsync, error) || name_file(upload, rsync, error))
        return -1;
    if (asprintf(&upload->directory, "out%u", rsync->uploads++) < 0 ||
        asprintf(&path, "%s/%s", upload->directory, upload->file) < 0)
        return error_memory(error);
    upload->fd = spool_create(&rsync->spool, path, error);
    free(path);
    upload->head_size = head_size;
    if (upload->fd < 0)
        return -1;
    if (lseek(upload->fd, (off_t)head_size, SEEK_SET) < 0)
        return error_set_errno(error, ERROR_SYSTEM, "can't seek in %s", upload->key);
    return 0;
}

/* ---- by ssh: one run, which ends in links ---- */

static int begin_placing(struct rsync_storage *rsync, const struct shell_object *objects,
                         size_t count, struct arguments *arguments, struct error *error)
{
    struct buf script = {0};
    int result = shell_rsync_placing(&script, rsync->place.directory,
                                     rsync->options.rsync.remote_program, objects, count, error);
    if (result == 0)
        rsync_begin_script(rsync, arguments, script.data);
    buf_free(&script);
    arguments_add(arguments, "-W");
    arguments_add(arguments, "--info=progress2");
    return result;
}

static int place_together(struct rsync_storage *rsync, const struct batch *batch,
                          struct error *error)
{
    struct arguments arguments = {.list = NULL};
    struct shell_object objects[STORAGE_BATCH_MAX];
    for (size_t i = 0; i < batch->count; i++)
        objects[i] = (struct shell_object){batch->list[i]->file, batch->list[i]->key};
    int result = begin_placing(rsync, objects, batch->count, &arguments, error);
    for (size_t i = 0; i < batch->count; i++)
        arguments_add(&arguments, "%s/%s/%s", rsync->spool.path, batch->list[i]->directory,
                      batch->list[i]->file);
    rsync_add_path(rsync, &arguments, SHELL_TEMPORARY "/");
    if (result == 0)
        result = rsync_run(rsync, &arguments, &(struct rsync_talk){0}, error);
    arguments_free(&arguments);
    return result;
}

/* The name of its own that the object has for a run that is begun early: should that be dropped, it
 * removes what is there under this name over there, at a moment that nobody knows. */
static int name_early(struct rsync_storage *rsync, struct upload *upload)
{
    struct buf from = {0}, to = {0};
    struct error ignored;
    int result = -1;
    if (asprintf(&upload->early, "%s-early", upload->file) < 0)
        upload->early = NULL;
    else if (buf_printf(&from, &ignored, "%s/%s", upload->directory, upload->file) == 0 &&
             buf_printf(&to, &ignored, "%s/%s", upload->directory, upload->early) == 0)
        result = linkat(rsync->spool.fd, from.data, rsync->spool.fd, to.data, 0);
    buf_free(&from);
    buf_free(&to);
    return result;
}

/* The login, and all that comes before the first byte, while the object is being compressed. */
static void open_early(struct rsync_storage *rsync, struct upload *upload)
{
    struct arguments arguments = {.list = NULL};
    struct error ignored;
    if (name_early(rsync, upload))
        return;
    const struct shell_object object = {upload->early, upload->key};
    int result = begin_placing(rsync, &object, 1, &arguments, &ignored);
    arguments_add(&arguments, "--files-from=-");
    arguments_add(&arguments, "%s/%s/", rsync->spool.path, upload->directory);
    rsync_add_path(rsync, &arguments, SHELL_TEMPORARY "/");
    if (result == 0)
        rsync_open_early(rsync, &arguments, upload);
    arguments_free(&arguments);
}

static int place_by_shell(struct rsync_storage *rsync, const struct batch *batch,
                          struct error *error)
{
    if (batch->count == 1 && rsync_is_early(rsync, batch->list[0]))
        return rsync_run_early(rsync, batch->list[0]->early, error);
    rsync_drop_early(rsync);
    return place_together(rsync, batch, error);
}

/* ---- an upload ---- */

void rsync_upload_close(struct storage_upload *storage_upload)
{
    struct upload *upload = (struct upload *)storage_upload;
    struct rsync_storage *rsync = (struct rsync_storage *)upload->upload.storage;
    if (rsync->early.owner == upload)
        rsync_drop_early(rsync);
    if (upload->fd >= 0)
        close(upload->fd);
    if (upload->directory)
        spool_remove(&rsync->spool, upload->directory);
    free(upload->directory);
    free(upload->file);
    free(upload->early);
    free(upload->key);
    free(upload);
}

struct storage_upload *rsync_upload(struct storage *storage, const char *key, size_t head_size,
                                    struct error *error)
{
    struct upload *upload = malloc(sizeof *upload);
    if (!upload) {
        error_memory(error);
        return NULL;
    }
    *upload = (struct upload){.upload = {storage}, .key = strdup(key), .fd = -1};
    if (!upload->key)
        error_memory(error);
    struct rsync_storage *rsync = (struct rsync_storage *)storage;
    if (upload->key && begin(upload, rsync, head_size, error) == 0) {
        if (rsync_has_shell(rsync) && !rsync->early.owner)
            open_early(rsync, upload);
        return &upload->upload;
    }
    rsync_upload_close(&upload->upload);
    return NULL;
}

int rsync_upload_write(struct storage_upload *storage_upload, const void *data, size_t size,
                       struct error *error)
{
    struct upload *upload = (struct upload *)storage_upload;
    const struct rsync_storage *rsync = (struct rsync_storage *)upload->upload.storage;
    return file_write(upload->fd, rsync->spool.path, data, size, error);
}

/* ---- without a shell: under claims ---- */

/* "=<f+++++++++ KEY": this run has made it. */
static int look_for_file(void *context, char *line, struct error *error)
{
    const struct batch *batch = context;
    char *key =
        strncmp(line, RSYNC_MARK "<f", sizeof RSYNC_MARK "<f" - 1) == 0 ? strchr(line, ' ') : NULL;
    (void)error;
    for (size_t i = 0; key && i < batch->count; i++)
        if (strcmp(key + 1, batch->list[i]->key) == 0)
            batch->list[i]->made = true;
    return 0;
}

static int add_rule(struct arguments *arguments, const char *name, const char *end,
                    struct error *error)
{
    struct buf rule = {0};
    int result = buf_printf(&rule, error, "--filter=R /" CLAIM_DIRECTORY "/") ||
                         rsync_add_pattern(&rule, name, error) ||
                         buf_printf(&rule, error, "%s", end)
                     ? -1
                     : 0;
    arguments_add(arguments, "%s", rule.data ? rule.data : "");
    buf_free(&rule);
    return result;
}

/* What goes at the end: the claim, and what a killed receiver has left of this key. */
static int add_clean_up(struct arguments *arguments, const struct upload *upload,
                        struct error *error)
{
    const char *slash = strrchr(upload->key, '/');
    char *claim = claim_name(upload->key, error);
    int result = -1;
    if (claim && add_rule(arguments, claim, "", error) == 0 &&
        add_rule(arguments, slash ? slash + 1 : upload->key, ".??????", error) == 0)
        result = 0;
    free(claim);
    return result;
}

/* All else in that directory is protected. */
static int add_clean_ups(struct arguments *arguments, const struct batch *batch,
                         struct error *error)
{
    for (size_t i = 0; i < batch->count; i++)
        if (add_clean_up(arguments, batch->list[i], error))
            return -1;
    arguments_add(arguments, "--filter=P *");
    arguments_add(arguments, "--delete-after");
    return 0;
}

static int make_directories(struct rsync_storage *rsync, const struct upload *upload,
                            struct error *error)
{
    static const char *const directories[] = {".waltools", CLAIM_DIRECTORY};
    int result = 0;
    for (size_t i = 0; i < sizeof directories / sizeof *directories && result == 0; i++) {
        struct buf path = {0};
        result = buf_printf(&path, error, "%s/%s", upload->directory, directories[i]);
        if (result == 0)
            result = spool_make(&rsync->spool, path.data, error);
        buf_free(&path);
    }
    return result;
}

static void add_source(const struct rsync_storage *rsync, struct arguments *arguments,
                       const struct upload *upload, const char *path)
{
    arguments_add(arguments, "%s/%s/./%s", rsync->spool.path, upload->directory, path);
}

static void add_objects(const struct rsync_storage *rsync, struct arguments *arguments,
                        const struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++)
        add_source(rsync, arguments, batch->list[i], batch->list[i]->key);
}

static int send(struct rsync_storage *rsync, const struct batch *batch, struct error *error)
{
    struct arguments arguments = {.list = NULL};
    const struct rsync_talk talk = {look_for_file, (void *)batch, NULL};
    int result = rsync_begin(rsync, &arguments, error);
    arguments_add(&arguments, "-dRW");
    arguments_add(&arguments, "--ignore-existing");
    arguments_add(&arguments, "--temp-dir=" CLAIM_DIRECTORY);
    arguments_add(&arguments, "--info=progress2");
    arguments_add(&arguments, "--out-format=" RSYNC_MARK "%%i %%n");
    if (!rsync->no_fsync)
        arguments_add(&arguments, "--fsync");
    if (result == 0)
        result = add_clean_ups(&arguments, batch, error);
    add_objects(rsync, &arguments, batch);
    add_source(rsync, &arguments, batch->list[0], CLAIM_DIRECTORY "/");
    rsync_add_path(rsync, &arguments, "");
    if (result == 0)
        result = rsync_run(rsync, &arguments, &talk, error);
    arguments_free(&arguments);
    return result;
}

/* Whether an rsync knows --fsync can't be asked; the first that doesn't says so. */
static int send_durably(struct rsync_storage *rsync, const struct batch *batch, struct error *error)
{
    int result = send(rsync, batch, error);
    if (result == 0 || rsync->no_fsync || !rsync->fsync_refused)
        return result;
    rsync->no_fsync = true;
    log_warning("%s: rsync is older than 3.2.4 there, or here, and does not know --fsync: what is "
                "archived may be lost when that machine crashes",
                rsync->place.host);
    return send(rsync, batch, error);
}

struct comparison {
    size_t same;
};

/* "=.f          KEY": it is the same over there. Any other line of ours is a difference, but for
 * those of directories on the way ("=.d          .waltools/"). */
static int look_for_difference(void *context, char *line, struct error *error)
{
    struct comparison *comparison = context;
    size_t mark = sizeof RSYNC_MARK - 1;
    if (strncmp(line, RSYNC_MARK, mark) != 0 || (line[mark] && line[mark + 1] == 'd'))
        return 0;
    if (strncmp(line, RSYNC_MARK ".f ", sizeof RSYNC_MARK ".f " - 1) == 0) {
        comparison->same++;
        return 0;
    }
    return error_set(error, ERROR_EXISTS, "what was written has been replaced by another: %s",
                     line + sizeof RSYNC_MARK - 1);
}

static int read_back(struct rsync_storage *rsync, const struct batch *batch, struct error *error)
{
    struct arguments arguments = {.list = NULL};
    struct comparison comparison = {0};
    const struct rsync_talk talk = {look_for_difference, &comparison, NULL};
    int result = rsync_begin(rsync, &arguments, error);
    arguments_add(&arguments, "-ncRii"); /* ii: told also of what is the same */
    arguments_add(&arguments, "--out-format=" RSYNC_MARK "%%i %%n");
    add_objects(rsync, &arguments, batch);
    rsync_add_path(rsync, &arguments, "");
    if (result == 0)
        result = rsync_run(rsync, &arguments, &talk, error);
    arguments_free(&arguments);
    if (result == 0 && comparison.same != batch->count)
        result = error_set(error, ERROR_UNREACHABLE, "%s: what was written can't be read back",
                           rsync->place.host);
    return result;
}

static int place_by_claim(struct rsync_storage *rsync, const struct batch *batch,
                          const struct storage_commit *commits, struct error *error)
{
    struct claim claims[STORAGE_BATCH_MAX];
    for (size_t i = 0; i < batch->count; i++)
        claims[i] = (struct claim){batch->list[i]->key, commits[i].digest, false, false};
    if (claim_take(rsync, claims, batch->count, error) ||
        make_directories(rsync, batch->list[0], error) || send_durably(rsync, batch, error))
        return -1;
    for (size_t i = 0; i < batch->count; i++)
        if (!batch->list[i]->made)
            return error_set(error, ERROR_EXISTS, "%s exists already", batch->list[i]->key);
    return rsync->options.rsync.read_back ? read_back(rsync, batch, error) : 0;
}

/* ---- committing ---- */

int rsync_commit_all(struct storage *storage, struct storage_upload *const *uploads,
                     const struct storage_commit *commits, size_t count, struct error *error)
{
    struct rsync_storage *rsync = (struct rsync_storage *)storage;
    struct batch batch = {.count = count};
    for (size_t i = 0; i < count; i++) {
        struct upload *upload = batch.list[i] = (struct upload *)uploads[i];
        upload->made = false;
        if (upload->head_size &&
            file_write_at(upload->fd, upload->key, commits[i].head, upload->head_size, 0, error))
            return -1;
    }
    return rsync_has_shell(rsync) ? place_by_shell(rsync, &batch, error)
                                  : place_by_claim(rsync, &batch, commits, error);
}

int rsync_upload_commit(struct storage_upload *upload, const struct storage_commit *commit,
                        struct error *error)
{
    return rsync_commit_all(upload->storage, &upload, commit, 1, error);
}
