/* config/settings.h - everything a user can set, in one table, from three places.
 *
 * A setting has one name: --compress on the command line, WALTOOLS_COMPRESS in the environment,
 * compress in waltools.conf. The command line wins over the environment, that over the file; in the
 * file a section over what stands before the first section. Some settings are for the command line
 * alone. */
#ifndef CONFIG_SETTINGS_H
#define CONFIG_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct error;

/* The commands, as bits: which of them knows a setting. */
enum settings_command {
    SETTINGS_WALPUSH = 1 << 0,
    SETTINGS_WALFETCH = 1 << 1,
    SETTINGS_WALCLEAN = 1 << 2,
    SETTINGS_WALLIST = 1 << 3,
    SETTINGS_WALVERIFY = 1 << 4,
    SETTINGS_ALL = (1 << 5) - 1,
};

/* Texts are owned by the struct; settings_free frees them. A text that was not set is its default.
 */
struct settings {
    char *archive;            /* a location that storage_open understands; NULL with members */
    const char *operand;      /* as it was given: that, or the name of a section; of argv */
    struct settings *members; /* those of each archive, when a section names several; NULL */
    size_t member_count;      /* 0, or at least 2 */
    char **named;             /* the section's archives, as it names them */
    uint64_t require;         /* how many of several must have what is pushed; 0: all */
    char *compress;           /* as codec_choice_parse reads it */
    char *config;             /* path of the configuration file; NULL: the usual places */
    uint64_t timeout;         /* milliseconds */
    int on_error;             /* enum policy_on_error */
    uint64_t jobs;            /* processes at once; 0: by the processors */
    bool init;
    bool all;
    bool repair;
    bool dry_run;
    bool debug;
    bool clean_backup_history;
    char *strip_extension;
    uint64_t keep_backups, keep_days, keep_size; /* the last in bytes; 0: not asked for */
    bool yes;
    char *standby, *forget_standby;
    bool record_only;
    uint64_t standby_timeout; /* seconds */
    bool release_stale;
    bool verbose;
    bool help;
    bool version;

    /* of wallist, walverify, and the first two of walfetch */
    char *from, *to, *timeline, *since; /* see survey/selection.h; for walfetch segments alone */
    int color;                          /* enum color_when */
    bool json;

    /* of walverify */
    bool quick, deep, quiet;
    int format;                 /* text, json, nagios, prometheus */
    uint64_t sample;            /* of 10,000 */
    uint64_t warning, critical; /* milliseconds; 0: not given */
    char *known_gaps, *state, *recheck, *pgdata;

    /* of wallist */
    bool full, long_list, graph;
    char *lsn, *svg;

    /* of storages on other machines */
    char *cache;         /* directory, "none", or NULL: the usual one */
    uint64_t limit_rate; /* bytes per second; 0: none */
    uint64_t retries;
    char *s3_endpoint, *s3_region, *s3_ca_file, *s3_profile;
    int s3_addressing; /* auto, path, virtual */
    char *s3_access_key, *s3_secret_key;
    char *s3_storage_class;
    int s3_encryption; /* none, AES256, aws:kms */
    char *s3_kms_key, *s3_customer_key_file, *s3_tags;
    int s3_requester_pays, s3_plain_http; /* no, yes */
    uint64_t s3_part_size;                /* bytes */
    char *rsync_program, *rsync_remote_program, *rsync_rsh;
    char *rsync_password_file, *rsync_password;
    int rsync_shell, rsync_read_back, ssh_sharing; /* no, yes */
    uint64_t ssh_port;
    char *ssh_identity;
};

/* Reads the command line `argv` (of `command`), the environment, and the configuration file. The
 * first operand is ARCHIVE: a location, or the name of a section whose `archive` it then is. A
 * section may name several, and in place of a location another section, of one location, whose
 * settings then hold for that archive before its own. Operands are moved to the end of argv;
 * *operands is the index of the one behind ARCHIVE. With --help or --version nothing else is looked
 * at. ERROR_USAGE for whatever is unknown, wrong, or missing; ERROR_SYSTEM when a file can't be
 * read. */
int settings_load(struct settings *settings, enum settings_command command, int argc, char **argv,
                  int *operands, struct error *error);

void settings_free(struct settings *settings);

/* How many archives are meant, and all that is set for the one at `index`: with one alone that is
 * `settings` itself. */
size_t settings_archive_count(const struct settings *settings);
const struct settings *settings_archive(const struct settings *settings, size_t index);

/* The OPTIONS part of --help. */
void settings_help(enum settings_command command, FILE *out);

#endif
