/* config/file.h - waltools.conf. Only for files of this room. */
#ifndef CONFIG_FILE_H
#define CONFIG_FILE_H

#include "config/settings.h"

struct error;

/* Applies the configuration file: what stands before the first section, then the section (NULL for
 * none). Returns 1 when the section is in the file (or none is asked for), 0 when it is not, -1 on
 * error. ERROR_USAGE with file and line: a line that is no setting, an unknown key, a wrong value,
 * a secret in a file that others can read. ERROR_MISSING: there is no such file. Every section is
 * checked for unknown keys, also those that are not asked for. */
int config_file_apply(const char *path, const char *section, struct settings *settings,
                      struct error *error);

#endif
