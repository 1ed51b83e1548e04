/* cli.h - what all commands share: settings in, the work under a deadline, an exit code out. */
#ifndef CMD_CLI_H
#define CMD_CLI_H

#include "archive/archive.h"
#include "base/error.h"
#include "config/settings.h"

struct cli {
    const char *name;
    enum settings_command command;
    const char *operands;                                 /* behind ARCHIVE, as --help shows them */
    const char *summary;                                  /* one sentence */
    int (*operands_min)(const struct settings *settings); /* behind ARCHIVE; NULL: none */
    int operands_max;                                     /* -1: any number */
    /* Does the work; `operands` are those behind ARCHIVE, NULL-terminated. -1, or the exit code: 0,
     * or another one that is no failure but an answer. */
    int (*run)(const struct settings *settings, char **operands, struct error *error);
    /* How long the work may stand still, in milliseconds; NULL: the setting timeout. */
    uint64_t (*deadline)(const struct settings *settings, char **operands);
    /* The exit code of a failure (operands NULL: the command line was wrong) and how it is told;
     * NULL: the class's own, and log_error. */
    int (*exit_code)(const struct settings *settings, char **operands, enum error_class class);
    void (*report)(const struct settings *settings, const struct error *error);
};

/* Fills what the settings say of every archive that is meant, for archive_open; the caller frees
 * *archives, whose texts are the settings'. ERROR_USAGE. */
int cli_archives(const struct settings *settings, struct archive **archives, size_t *count,
                 struct error *error);

/* What each of several archives has failed with: tells all but the one that weighs most, which
 * becomes *error with -1. 0 when none has failed. */
int cli_report(const struct error *failures, size_t count, struct error *error);

/* How many processes: as the setting says, else as many as there are processors, but that one
 * archive is not asked for too much. */
size_t cli_jobs(const struct settings *settings);

/* Does `run` for every archive that is meant; with several each in a process of its own, at the
 * same time, or one after the other when what they print must not mix. -1 with the failure that
 * weighs most, after the others have been told. `context` is what run is given; it must do with the
 * copy that the process has. */
enum cli_order { CLI_AT_ONCE, CLI_IN_TURN };
int cli_each(const struct settings *settings, enum cli_order order,
             int (*run)(void *context, struct archive *archive, struct error *error), void *context,
             struct error *error);

/* The same of the only one, for a command that takes no more: ERROR_USAGE when there are several.
 */
int cli_archive(const struct settings *settings, struct archive *archive, struct error *error);

/* The whole of a main. Returns the exit code, or ends by the signal that asked to stop. */
int cli_main(const struct cli *cli, int argc, char **argv);

#endif
