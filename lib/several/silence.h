/* several/silence.h - an archive that did not answer is not waited for again at once, by the next
 * command either, when there is another that can be asked.
 *
 * Kept beside what memory.h keeps, for a minute. Where that can't be, each command finds out for
 * itself.
 */
#ifndef SEVERAL_SILENCE_H
#define SEVERAL_SILENCE_H

#include <stdbool.h>

#include "archive/archive.h"

/* Was it silent a moment ago? */
bool silence_is_known(const struct archive *archive);

/* It was silent just now, or it has answered. Never fail. */
void silence_keep(const struct archive *archive);
void silence_forget(const struct archive *archive);

#endif
