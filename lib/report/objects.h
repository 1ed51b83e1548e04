/* report/objects.h - each object of an archive on a line of its own, in their order; nothing is
 * kept, however many there are. */
#ifndef REPORT_OBJECTS_H
#define REPORT_OBJECTS_H

#include <stdint.h>
#include <stdio.h>

#include "archive/scan.h"
#include "report/json.h"
#include "wal/geometry.h"

/* For people: when it was archived, its size, its key. */
void objects_print(const struct scan_object *object, FILE *out);

/* The members that say the same, and more, in an object of JSON that is begun. */
void objects_json(struct json *json, const struct wal_geometry *geometry,
                  const struct scan_object *object);

#endif
