/* aws/url.h - may a secret go to a URL that somebody has set? Only for files of this room.
 */
#ifndef AWS_URL_H
#define AWS_URL_H

#include <stdbool.h>

/* True for every https URL, and for http to this machine (localhost, 127.0.0.0/8, ::1) or to one of
 * the IP addresses in `also` (NULL-terminated; NULL: none). False for what is no URL, or could be
 * read in two ways: a user before the host, white space, a backslash. */
bool aws_url_keeps_secrets(const char *url, const char *const *also);

#endif
