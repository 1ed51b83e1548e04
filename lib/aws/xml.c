#include "aws/xml.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/library.h"

#include <expat.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>

/* ABI 1 is expat 2.x. */
#define LIBRARY "libexpat.so.1"

#define FUNCTIONS(_)                                                                               \
    _(XML_ParserCreate)                                                                            \
    _(XML_ParserFree)                                                                              \
    _(XML_SetUserData)                                                                             \
    _(XML_SetElementHandler)                                                                       \
    _(XML_SetCharacterDataHandler)                                                                 \
    _(XML_SetStartDoctypeDeclHandler)                                                              \
    _(XML_Parse)                                                                                   \
    _(XML_StopParser)                                                                              \
    _(XML_GetErrorCode)                                                                            \
    _(XML_ErrorString)                                                                             \
    _(XML_GetCurrentLineNumber)

#define NAME(function) #function,
static const char *const function_names[] = {FUNCTIONS(NAME) NULL};
#undef NAME

struct expat {
    void *handle;
    union {
        void *addresses[sizeof function_names / sizeof *function_names - 1];
        struct {
#define FIELD(function) __typeof__(&function) function;
            FUNCTIONS(FIELD)
#undef FIELD
        };
    };
};

enum { DEPTH_MAX = 16, TEXT_MAX = 8192 };

struct reading {
    struct expat expat;
    XML_Parser parser;
    const char *root;
    aws_xml_visit *visit;
    void *context;
    struct error *error;
    struct buf path; /* of the element that is open, from below the root */
    struct buf text; /* since the last tag */
    size_t depth;    /* elements that are open */
    bool leaf;       /* the last tag was a start */
    bool stopped;    /* error says why */
};

static int refuse(struct reading *reading, const char *reason)
{
    return error_set(reading->error, ERROR_UNREACHABLE, "the answer is not S3's XML: %s", reason);
}

static void truncate_to(struct buf *buf, size_t length)
{
    buf->length = length;
    buf->data[length] = '\0';
}

static int enter_root(struct reading *reading, const char *name)
{
    if (strcmp(name, reading->root) == 0)
        return 0;
    return error_set(reading->error, ERROR_UNREACHABLE,
                     "the answer is not S3's XML: it is <%.200s> where <%s> was expected", name,
                     reading->root);
}

static int enter(struct reading *reading, const char *name)
{
    if (reading->depth == DEPTH_MAX)
        return refuse(reading, "its elements are nested too deeply");
    if (strlen(name) > TEXT_MAX)
        return refuse(reading, "the name of an element is too long");
    const char *colon = strchr(name, ':');
    const char *local_name = colon ? colon + 1 : name;
    if (!*local_name) /* expat does not mind, but its path would be its parent's */
        return refuse(reading, "an element has a prefix and no name");
    truncate_to(&reading->text, 0);
    reading->leaf = true;
    if (reading->depth++ == 0)
        return enter_root(reading, local_name);
    return buf_printf(&reading->path, reading->error, "%s%s", reading->path.length ? "/" : "",
                      local_name);
}

static int add_text(struct reading *reading, const char *text, size_t size)
{
    if (size > TEXT_MAX - reading->text.length)
        return refuse(reading, "a text is too long");
    return buf_append(&reading->text, text, size, reading->error);
}

static int leave(struct reading *reading)
{
    const char *text = reading->leaf ? reading->text.data : "";
    if (reading->visit(reading->context, reading->path.data, text, reading->error))
        return -1;
    const char *slash = strrchr(reading->path.data, '/');
    truncate_to(&reading->path, slash ? (size_t)(slash - reading->path.data) : 0);
    truncate_to(&reading->text, 0);
    reading->leaf = false;
    reading->depth--;
    return 0;
}

/* Expat may still report what it has in hand, such as the end of an empty element. */
static void stop(struct reading *reading)
{
    reading->stopped = true;
    reading->expat.XML_StopParser(reading->parser, XML_FALSE);
}

static void XMLCALL on_start(void *context, const char *name, const char **attributes)
{
    struct reading *reading = context;
    (void)attributes;
    if (!reading->stopped && enter(reading, name))
        stop(reading);
}

static void XMLCALL on_end(void *context, const char *name)
{
    struct reading *reading = context;
    (void)name;
    if (!reading->stopped && leave(reading))
        stop(reading);
}

static void XMLCALL on_text(void *context, const char *text, int size)
{
    struct reading *reading = context;
    if (!reading->stopped && add_text(reading, text, (size_t)size))
        stop(reading);
}

/* Comes before the first declaration in it is read. */
static void XMLCALL on_doctype(void *context, const char *name, const char *system_identifier,
                               const char *public_identifier, int has_internal_subset)
{
    struct reading *reading = context;
    (void)name, (void)system_identifier, (void)public_identifier, (void)has_internal_subset;
    refuse(reading, "it has a document type declaration");
    stop(reading);
}

static int begin(struct reading *reading)
{
    struct expat *expat = &reading->expat;
    expat->handle =
        library_open(LIBRARY, "S3 needs expat", function_names, expat->addresses, reading->error);
    if (!expat->handle || buf_reserve(&reading->path, 0, reading->error) ||
        buf_reserve(&reading->text, 0, reading->error))
        return -1;
    reading->parser = expat->XML_ParserCreate(NULL);
    if (!reading->parser)
        return error_memory(reading->error);
    expat->XML_SetUserData(reading->parser, reading);
    expat->XML_SetElementHandler(reading->parser, on_start, on_end);
    expat->XML_SetCharacterDataHandler(reading->parser, on_text);
    expat->XML_SetStartDoctypeDeclHandler(reading->parser, on_doctype);
    return 0;
}

static int explain(struct reading *reading)
{
    const struct expat *expat = &reading->expat;
    enum XML_Error code = expat->XML_GetErrorCode(reading->parser);
    if (code == XML_ERROR_NO_MEMORY)
        return error_memory(reading->error);
    const char *reason = expat->XML_ErrorString(code);
    unsigned long line = (unsigned long)expat->XML_GetCurrentLineNumber(reading->parser);
    return error_set(reading->error, ERROR_UNREACHABLE,
                     "the answer is not S3's XML: %s in line %lu", reason ? reason : "unreadable",
                     line);
}

/* In one call: expat takes a token that is cut by the end of a portion from its beginning again, so
 * that small portions of a hostile document take long. */
static int parse(struct reading *reading, const char *xml, size_t size)
{
    if (size > INT_MAX)
        return refuse(reading, "it is too large");
    enum XML_Status status = reading->expat.XML_Parse(reading->parser, xml, (int)size, XML_TRUE);
    if (reading->stopped)
        return -1;
    return status == XML_STATUS_OK ? 0 : explain(reading);
}

int aws_xml_read(const char *xml, size_t size, const char *root, aws_xml_visit *visit,
                 void *context, struct error *error)
{
    struct reading reading = {.root = root, .visit = visit, .context = context, .error = error};
    /* AWS keeps a connection alive with it while an upload in parts is being completed. */
    while (size && *xml && strchr(" \t\r\n", *xml))
        xml++, size--;
    int result = begin(&reading) ? -1 : parse(&reading, xml, size);
    if (reading.parser)
        reading.expat.XML_ParserFree(reading.parser);
    library_close(reading.expat.handle);
    buf_free(&reading.path);
    buf_free(&reading.text);
    return result;
}
