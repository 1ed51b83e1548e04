#include "config/table.h"

#include <string.h>

/* In the order of enum policy_on_error. */
static const char *const on_error_words[] = {"auto", "table", "abort", NULL};

/* In the order of enum s3_addressing and s3_encryption. */
static const char *const addressing_words[] = {"auto", "path", "virtual", NULL};
static const char *const encryption_words[] = {"none", "AES256", "aws:kms", NULL};

/* In the order of enum color_when. */
static const char *const color_words[] = {"auto", "always", "never", NULL};

/* In the order of walverify's formats. */
static const char *const format_words[] = {"text", "json", "nagios", "prometheus", NULL};

static const char *const no_yes_words[] = {"no", "yes", NULL};

enum {
    EVERYWHERE = SETTING_OPTION | SETTING_ENVIRONMENT | SETTING_FILE,
    PUSH = SETTINGS_WALPUSH,
    FETCH = SETTINGS_WALFETCH,
    CLEAN = SETTINGS_WALCLEAN,
    LIST = SETTINGS_WALLIST,
    VERIFY = SETTINGS_WALVERIFY,
};

#define FIELD(name) offsetof(struct settings, name)

static const struct setting table[] = {
    {"compress", 0, PUSH | FETCH, EVERYWHERE, SETTING_TEXT, FIELD(compress), "zstd:1", "CODING",
     NULL, "none, gzip[:1-9], lz4[:1-12] or zstd[:1-19] (zstd:1)"},
    {"timeout", 0, SETTINGS_ALL, EVERYWHERE, SETTING_DURATION, FIELD(timeout), "60s", "TIME", NULL,
     "how long an archive may stay silent or out of reach (60s)"},
    {"on-error", 0, FETCH, EVERYWHERE, SETTING_CHOICE, FIELD(on_error), "auto", "HOW",
     on_error_words, "exit code of a failure: auto, table or abort (auto)"},
    {"archive", 0, 0, SETTING_SECTION, SETTING_TEXTS, FIELD(named), NULL, NULL, NULL, NULL},
    {"require", 0, PUSH, EVERYWHERE, SETTING_SHARE, FIELD(require), "all", "HOW MANY", NULL,
     "of several archives must have it: all, any or a number (all)"},
    {"from", 0, FETCH, SETTING_OPTION, SETTING_TEXT, FIELD(from), NULL, "SEGMENT", NULL,
     "bring all from this segment on, into a directory"},
    {"to", 0, FETCH, SETTING_OPTION, SETTING_TEXT, FIELD(to), NULL, "SEGMENT", NULL,
     "up to this segment (to the end)"},
    {"jobs", 'j', FETCH | PUSH | VERIFY, EVERYWHERE, SETTING_NUMBER, FIELD(jobs), "0", "NUMBER",
     NULL, "processes at once (by the number of processors)"},
    {"init", 0, PUSH, SETTING_OPTION, SETTING_FLAG, FIELD(init), NULL, NULL, NULL,
     "take an empty archive for this cluster; FILE may be left out"},
    {"all", 0, PUSH, SETTING_OPTION, SETTING_FLAG, FIELD(all), NULL, NULL, NULL,
     "archive what a server that is down had ready; no FILE"},
    {"repair", 0, PUSH, SETTING_OPTION, SETTING_FLAG, FIELD(repair), NULL, NULL, NULL,
     "copy what one of several archives lacks from another; no FILE"},
    {"dry-run", 'n', CLEAN | PUSH, SETTING_OPTION, SETTING_FLAG, FIELD(dry_run), NULL, NULL, NULL,
     "print what would be done, do nothing"},
    {"debug", 'd', CLEAN, SETTING_OPTION, SETTING_FLAG, FIELD(debug), NULL, NULL, NULL,
     "say on standard error what is removed"},
    {"clean-backup-history", 'b', CLEAN, SETTING_OPTION, SETTING_FLAG, FIELD(clean_backup_history),
     NULL, NULL, NULL, "remove backup history files too"},
    {"strip-extension", 'x', CLEAN, SETTING_OPTION, SETTING_TEXT, FIELD(strip_extension), "", "EXT",
     NULL, "a further suffix that the names may have"},
    {"json", 0, LIST | VERIFY, SETTING_OPTION, SETTING_FLAG, FIELD(json), NULL, NULL, NULL,
     "for programs: as JSON"},
    {"long", 'l', LIST, SETTING_OPTION, SETTING_FLAG, FIELD(long_list), NULL, NULL, NULL,
     "a line for each object"},
    {"lsn", 0, LIST, SETTING_OPTION, SETTING_TEXT, FIELD(lsn), NULL, "LSN", NULL,
     "which segment holds this position, and is it there"},
    {"graph", 'g', LIST, SETTING_OPTION, SETTING_FLAG, FIELD(graph), NULL, NULL, NULL,
     "draw the archive over time"},
    {"svg", 0, LIST, SETTING_OPTION, SETTING_TEXT, FIELD(svg), NULL, "FILE", NULL,
     "the same as a picture in SVG; - is standard output"},
    {"full", 0, LIST, SETTING_OPTION, SETTING_FLAG, FIELD(full), NULL, NULL, NULL,
     "every range, gap and backup, however many there are"},
    {"from", 0, LIST | VERIFY, SETTING_OPTION, SETTING_TEXT, FIELD(from), NULL, "WHERE", NULL,
     "only from this segment or LSN on"},
    {"to", 0, LIST | VERIFY, SETTING_OPTION, SETTING_TEXT, FIELD(to), NULL, "WHERE", NULL,
     "only up to this segment or LSN"},
    {"timeline", 0, LIST | VERIFY, SETTING_OPTION, SETTING_TEXT, FIELD(timeline), NULL, "NUMBER",
     NULL, "only this timeline"},
    {"since", 0, LIST | VERIFY, SETTING_OPTION, SETTING_TEXT, FIELD(since), NULL, "TIME", NULL,
     "only what was archived since: 7d, 12h, \"2026-11-20 03:00\" (UTC)"},
    {"color", 0, LIST | VERIFY, SETTING_OPTION | SETTING_ENVIRONMENT, SETTING_CHOICE, FIELD(color),
     "auto", "WHEN", color_words, "colours: auto, always or never (auto)"},
    {"keep-backups", 0, CLEAN, EVERYWHERE, SETTING_NUMBER, FIELD(keep_backups), "0", "NUMBER", NULL,
     "keep what so many of the newest base backups need"},
    {"keep-days", 0, CLEAN, EVERYWHERE, SETTING_NUMBER, FIELD(keep_days), "0", "NUMBER", NULL,
     "keep what a recovery to any moment of so many days needs"},
    {"keep-size", 0, CLEAN, EVERYWHERE, SETTING_SIZE, FIELD(keep_size), "0", "SIZE", NULL,
     "keep the base backups that fit with all their WAL"},
    {"yes", 'y', CLEAN, SETTING_OPTION, SETTING_FLAG, FIELD(yes), NULL, NULL, NULL,
     "don't ask, also when much goes"},
    {"standby", 0, CLEAN, SETTING_OPTION, SETTING_TEXT, FIELD(standby), NULL, "NAME", NULL,
     "record OLDESTKEPT as this standby's, and keep what others need"},
    {"record-only", 0, CLEAN, SETTING_OPTION, SETTING_FLAG, FIELD(record_only), NULL, NULL, NULL,
     "with --standby: record it, and remove nothing"},
    {"standby-timeout", 0, CLEAN | LIST, EVERYWHERE, SETTING_AGE, FIELD(standby_timeout), "7d",
     "TIME", NULL, "warn of a standby that is silent for longer (7d)"},
    {"release-stale", 0, CLEAN, EVERYWHERE, SETTING_FLAG, FIELD(release_stale), NULL, NULL, NULL,
     "keep nothing for such a standby"},
    {"forget-standby", 0, CLEAN, SETTING_OPTION, SETTING_TEXT, FIELD(forget_standby), NULL, "NAME",
     NULL, "keep nothing for this standby any more; do nothing else"},
    {"quick", 0, VERIFY, SETTING_OPTION, SETTING_FLAG, FIELD(quick), NULL, NULL, NULL,
     "continuity only, from names"},
    {"deep", 0, VERIFY, SETTING_OPTION, SETTING_FLAG, FIELD(deep), NULL, NULL, NULL,
     "the WAL's own structure too: every record, across segments"},
    {"sample", 0, VERIFY, SETTING_OPTION, SETTING_PERCENT, FIELD(sample), "100%", "N%", NULL,
     "read so many of the objects, drawn by lot (100%)"},
    {"state", 0, VERIFY, EVERYWHERE, SETTING_TEXT, FIELD(state), NULL, "FILE", NULL,
     "remember what was found whole, and read only what is new"},
    {"recheck", 0, VERIFY, EVERYWHERE, SETTING_TEXT, FIELD(recheck), NULL, "AGE", NULL,
     "but read again what was found whole longer ago, such as 30d"},
    {"known-gaps", 0, VERIFY, EVERYWHERE, SETTING_TEXT, FIELD(known_gaps), NULL, "FILE", NULL,
     "gaps that are understood and do not count"},
    {"format", 0, VERIFY, SETTING_OPTION, SETTING_CHOICE, FIELD(format), "text", "FORMAT",
     format_words, "text, json, nagios or prometheus (text)"},
    {"pgdata", 0, VERIFY, EVERYWHERE, SETTING_TEXT, FIELD(pgdata), NULL, "DIR", NULL,
     "the server's data directory: tell what waits to be archived"},
    {"warning", 0, VERIFY, EVERYWHERE, SETTING_DURATION, FIELD(warning), NULL, "TIME", NULL,
     "nagios warns when WAL waits so long (10min with --pgdata)"},
    {"critical", 0, VERIFY, EVERYWHERE, SETTING_DURATION, FIELD(critical), NULL, "TIME", NULL,
     "and calls it critical after so long (1h with --pgdata)"},
    {"quiet", 'q', VERIFY, SETTING_OPTION, SETTING_FLAG, FIELD(quiet), NULL, NULL, NULL,
     "no text when all is whole"},
    {"config", 0, SETTINGS_ALL, SETTING_OPTION | SETTING_ENVIRONMENT, SETTING_TEXT, FIELD(config),
     NULL, "FILE", NULL, "configuration file (~/.config/waltools.conf, /etc/waltools.conf)"},
    {"cache", 0, PUSH | FETCH, EVERYWHERE, SETTING_TEXT, FIELD(cache), NULL, "DIR", NULL,
     "where to remember what was learnt of an archive; or none"},
    {"limit-rate", 0, SETTINGS_ALL, EVERYWHERE, SETTING_SIZE, FIELD(limit_rate), "0", "SIZE", NULL,
     "bytes a second to or from a remote archive; 0: no limit (0)"},
    {"retries", 0, SETTINGS_ALL, EVERYWHERE, SETTING_NUMBER, FIELD(retries), "8", "NUMBER", NULL,
     "how often a request is tried again, within the timeout (8)"},
    {"s3-endpoint", 0, SETTINGS_ALL, EVERYWHERE, SETTING_TEXT, FIELD(s3_endpoint), NULL, "URL",
     NULL, "S3 server, https://host[:port] (AWS's, by the region)"},
    {"s3-region", 0, SETTINGS_ALL, EVERYWHERE, SETTING_TEXT, FIELD(s3_region), NULL, "REGION", NULL,
     "the bucket's region (AWS_REGION, the profile's, us-east-1)"},
    {"s3-addressing", 0, SETTINGS_ALL, EVERYWHERE, SETTING_CHOICE, FIELD(s3_addressing), "auto",
     "STYLE", addressing_words, "bucket in the path or the host name: auto, path, virtual"},
    {"s3-ca-file", 0, SETTINGS_ALL, EVERYWHERE, SETTING_TEXT, FIELD(s3_ca_file), NULL, "FILE", NULL,
     "certificates of the CAs to trust, PEM (the system's)"},
    {"s3-profile", 0, SETTINGS_ALL, EVERYWHERE, SETTING_TEXT, FIELD(s3_profile), NULL, "NAME", NULL,
     "profile in ~/.aws/credentials and config (AWS_PROFILE)"},
    {"s3-access-key", 0, 0, SETTING_FILE, SETTING_TEXT, FIELD(s3_access_key), NULL, NULL, NULL,
     NULL},
    {"s3-secret-key", 0, 0, SETTING_FILE, SETTING_TEXT, FIELD(s3_secret_key), NULL, NULL, NULL,
     NULL},
    {"s3-storage-class", 0, PUSH, EVERYWHERE, SETTING_TEXT, FIELD(s3_storage_class), NULL, "CLASS",
     NULL, "storage class of new objects, such as STANDARD_IA"},
    {"s3-encryption", 0, PUSH, EVERYWHERE, SETTING_CHOICE, FIELD(s3_encryption), "none", "HOW",
     encryption_words, "by the server's own keys: none, AES256 or aws:kms (none)"},
    {"s3-kms-key", 0, PUSH, EVERYWHERE, SETTING_TEXT, FIELD(s3_kms_key), NULL, "ID", NULL,
     "the key for aws:kms"},
    {"s3-customer-key-file", 0, SETTINGS_ALL, EVERYWHERE, SETTING_TEXT, FIELD(s3_customer_key_file),
     NULL, "FILE", NULL, "the server encrypts with this key (SSE-C): 32 bytes or base64"},
    {"s3-tags", 0, PUSH, EVERYWHERE, SETTING_TEXT, FIELD(s3_tags), NULL, "TAGS", NULL,
     "tags of new objects: key=value&key=value"},
    {"s3-requester-pays", 0, SETTINGS_ALL, EVERYWHERE, SETTING_CHOICE, FIELD(s3_requester_pays),
     "no", "YES", no_yes_words, "agree to pay for requests: no or yes (no)"},
    {"s3-plain-http", 0, SETTINGS_ALL, EVERYWHERE, SETTING_CHOICE, FIELD(s3_plain_http), "no",
     "YES", no_yes_words, "allow http:// to other machines: no or yes (no)"},
    {"s3-part-size", 0, PUSH, EVERYWHERE, SETTING_SIZE, FIELD(s3_part_size), "32MiB", "SIZE", NULL,
     "larger objects go up in parts of this size, 5MiB to 1GiB (32MiB)"},
    {"rsync-program", 0, SETTINGS_ALL, EVERYWHERE, SETTING_TEXT, FIELD(rsync_program), "rsync",
     "FILE", NULL, "rsync on this machine (rsync)"},
    {"rsync-remote-program", 0, SETTINGS_ALL, EVERYWHERE, SETTING_TEXT, FIELD(rsync_remote_program),
     "rsync", "FILE", NULL, "rsync on the far side of ssh (rsync)"},
    {"rsync-rsh", 0, SETTINGS_ALL, EVERYWHERE, SETTING_TEXT, FIELD(rsync_rsh), "ssh", "COMMAND",
     NULL, "OpenSSH's ssh, or its path, with options if need be (ssh)"},
    {"rsync-shell", 0, SETTINGS_ALL, EVERYWHERE, SETTING_CHOICE, FIELD(rsync_shell), "yes", "YES",
     no_yes_words, "the account on the far side of ssh has a shell: no or yes (yes)"},
    {"rsync-read-back", 0, PUSH, EVERYWHERE, SETTING_CHOICE, FIELD(rsync_read_back), "yes", "YES",
     no_yes_words, "compare what a daemon has written: no or yes (yes)"},
    {"rsync-password-file", 0, SETTINGS_ALL, EVERYWHERE, SETTING_TEXT, FIELD(rsync_password_file),
     NULL, "FILE", NULL, "holds the password for a daemon (RSYNC_PASSWORD)"},
    {"rsync-password", 0, 0, SETTING_FILE, SETTING_TEXT, FIELD(rsync_password), NULL, NULL, NULL,
     NULL},
    {"ssh-port", 0, SETTINGS_ALL, EVERYWHERE, SETTING_NUMBER, FIELD(ssh_port), "0", "NUMBER", NULL,
     "port of ssh on the far side (as ssh_config says)"},
    {"ssh-identity", 0, SETTINGS_ALL, EVERYWHERE, SETTING_TEXT, FIELD(ssh_identity), NULL, "FILE",
     NULL, "private key to log in with (as ssh_config says)"},
    {"ssh-sharing", 0, SETTINGS_ALL, EVERYWHERE, SETTING_CHOICE, FIELD(ssh_sharing), "yes", "YES",
     no_yes_words, "keep the connection for the next command: no or yes (yes)"},
    {"verbose", 'v', SETTINGS_ALL, SETTING_OPTION, SETTING_FLAG, FIELD(verbose), NULL, NULL, NULL,
     "say what is done"},
    {"help", '?', SETTINGS_ALL, SETTING_OPTION, SETTING_FLAG, FIELD(help), NULL, NULL, NULL,
     "show this help"},
    {"version", 'V', SETTINGS_ALL, SETTING_OPTION, SETTING_FLAG, FIELD(version), NULL, NULL, NULL,
     "show the version"},
};

enum { COUNT = sizeof table / sizeof *table };

const struct setting *setting_at(size_t index)
{
    return index < COUNT ? &table[index] : NULL;
}

const struct setting *setting_find(const char *name)
{
    for (size_t i = 0; i < COUNT; i++)
        if (strcmp(table[i].name, name) == 0)
            return &table[i];
    return NULL;
}
