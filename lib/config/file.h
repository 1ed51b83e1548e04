/* config/file.h - waltools.conf. Only for files of this room. */
#ifndef CONFIG_FILE_H
#define CONFIG_FILE_H

#include "config/settings.h"

struct error;

/* Applies a part of the configuration file: a section, or with "" what stands before the first one.
 * Returns 1 when it is there ("" always is), 0 when not, -1 on error. ERROR_USAGE with file and
 * line: a line that is no setting, an unknown key, a wrong value, a secret in a file that others
 * can read. ERROR_MISSING: there is no such file. All of the file is checked for that, also
 * sections that are not asked for. */
int config_file_apply(const char *path, const char *section, struct settings *settings,
                      struct error *error);

#endif
