/* several/merge.h - the WAL files of several archives side by side: who has which. */
#ifndef SEVERAL_MERGE_H
#define SEVERAL_MERGE_H

#include <stdint.h>

#include "archive/archive.h"
#include "wal/name.h"

struct error;

enum { MERGE_MAX = 64 /* archives */ };

/* Calls visit for each WAL file that any of the archives has, whatever its coding: bit i of `has`
 * is set when archives[i] has it. In order of segments: what belongs to one comes together, and a
 * history file comes before its timeline's WAL. The archives are open and recognised. visit returns
 * 0 to go on, 1 to stop, -1 to stop with an error. Memory is bounded, however many files there are.
 * ERROR_USAGE for too many archives, else as archive_scan. */
typedef int merge_visit(void *context, const struct wal_name *name, uint64_t has,
                        struct error *error);
int archive_merge(struct archive *archives, size_t count, merge_visit *visit, void *context,
                  struct error *error);

#endif
