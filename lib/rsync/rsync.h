/* rsync/rsync.h - an archive that rsync reaches, as storage, as its files see it. Only for files of
 * this room.
 *
 * The rsync program moves the bytes. What makes an object create-only and durable: by ssh a script
 * on the far side (shell.h), at a daemon a claim (claim.h). */
#ifndef RSYNC_H
#define RSYNC_H

#include "rsync/arguments.h"
#include "rsync/place.h"
#include "base/spool.h"
#include "storage/backend.h"

/* A program that runs. */
struct rsync_process {
    pid_t child;               /* 0: none */
    int input, output, errors; /* our ends; input and errors are files in memory */
};

/* A run that was begun before it is known what it is to move. */
struct rsync_early {
    struct rsync_process run;
    int names;         /* what it is to move is written here; then it is closed */
    uint64_t since;    /* clock_now_ms */
    const void *owner; /* whom it was begun for; NULL: there is none */
};

struct rsync_storage {
    struct storage storage;
    struct storage_options options; /* texts borrowed */
    struct rsync_place place;
    struct spool spool; /* made when it is first needed */
    char *control;      /* ControlPath of ssh; NULL: connections are not shared */
    unsigned uploads;   /* so far: names in the spool */
    bool no_fsync;      /* known: an rsync older than 3.2.4, there or here */
    bool fsync_refused; /* by the last run: an rsync older than 3.2.4, there or here */
    struct rsync_early early;
    struct rsync_process lingering; /* all is known of it, but it has not ended */
    int code;                       /* exit code of the last run; -1: it was not to be had */
};

/* Does the far side run scripts of ours? */
bool rsync_has_shell(const struct rsync_storage *rsync);

/* The spool, made now if it is not there. */
int rsync_spool(struct rsync_storage *rsync, struct error *error);

struct storage_upload *rsync_upload(struct storage *storage, const char *key, size_t head_size,
                                    struct error *error);
int rsync_upload_write(struct storage_upload *upload, const void *data, size_t size,
                       struct error *error);
int rsync_upload_commit(struct storage_upload *upload, const struct storage_commit *commit,
                        struct error *error);
int rsync_commit_all(struct storage *storage, struct storage_upload *const *uploads,
                     const struct storage_commit *commits, size_t count, struct error *error);
void rsync_upload_close(struct storage_upload *upload);

struct storage_download *rsync_download(struct storage *storage, const char *key,
                                        struct error *error);
ssize_t rsync_download_read(struct storage_download *download, void *data, size_t size,
                            struct error *error);
void rsync_download_close(struct storage_download *download);

int rsync_stat(struct storage *storage, const char *key, struct storage_status *status,
               struct error *error);
int rsync_list(struct storage *storage, const struct storage_query *query, storage_visit *visit,
               void *context, struct error *error);
int rsync_remove(struct storage *storage, const char *const *keys, size_t count,
                 storage_failed *failed, void *context, struct error *error);

#endif
