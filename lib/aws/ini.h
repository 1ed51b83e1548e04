/* aws/ini.h - the syntax of AWS's shared files, which is nearly INI. AWS SDKs and Tools
 * Reference Guide, "Format of the config file". Only for files of this room. */
#ifndef AWS_INI_H
#define AWS_INI_H

struct error;

/* Called for each section (key and value are NULL), and each `key = value` in it. Returns 1 when it
 * takes the value, 0 when it is not interested, -1 to stop with an error. */
typedef int aws_ini_visit(void *context, const char *section, const char *key, const char *value,
                          struct error *error);

/* Reads the text, which is changed while it is read. White space around names and values does not
 * count, nor do empty lines and lines that begin with # or ;. A line that is indented more than the
 * key above belongs to that key: it is skipped, or an error when the key's value was taken and is
 * not empty. ERROR_USAGE with `path` and the line's number, never with its text. */
int aws_ini_read(const char *path, char *text, aws_ini_visit *visit, void *context,
                 struct error *error);

#endif
