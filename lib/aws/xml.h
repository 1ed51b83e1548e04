/* aws/xml.h - the XML of S3's answers, by expat, which is loaded when the first is read.
 * */
#ifndef AWS_XML_H
#define AWS_XML_H

#include <stddef.h>

struct error;

/* Called at the end of each element: its path from below the root ("Contents/Key"; "" is the root
 * itself), and its text ("" for one that holds elements). Returns 0 to go on, -1 to stop with an
 * error. */
typedef int aws_xml_visit(void *context, const char *path, const char *text, struct error *error);

/* Reads a whole document whose root must be `root` (its namespace does not matter).
 * ERROR_UNREACHABLE, since what answers so is no S3 server: not well-formed, another root, a
 * document type declaration (so no entities), deeper than 16 elements, a text or a name longer than
 * 8 KiB. Characters and the five predefined entities are decoded to UTF-8. White space around a
 * text is kept; before the document it is passed over. */
int aws_xml_read(const char *xml, size_t size, const char *root, aws_xml_visit *visit,
                 void *context, struct error *error);

#endif
