/* storage/directory.h - directories below an archive's own, and the names in them. Only for
 * storage/file.c. */
#ifndef STORAGE_DIRECTORY_H
#define STORAGE_DIRECTORY_H

#include "storage/storage.h"

enum directory_missing { DIRECTORY_MUST_EXIST, DIRECTORY_IS_MADE };

/* Opens the directory `path` ("" is `top` itself) one part at a time, so that no symbolic link is
 * followed. One that is made is durable. Returns a descriptor that the caller closes, or -1:
 * ERROR_MISSING when it does not exist, ERROR_REFUSED for a symbolic link, else as file.h. */
int directory_open(int top, const char *path, enum directory_missing missing, struct error *error);

/* The same for the directory that holds `key`; *name is where the last part of key begins. */
int directory_open_parent(int top, const char *key, enum directory_missing missing,
                          const char **name, struct error *error);

/* storage_list for one open directory; the query's own is not looked at. */
int directory_list(int directory, const struct storage_query *query, storage_visit *visit,
                   void *context, struct error *error);

#endif
