/* Codings that are only read, by libarchive. It is loaded when such an object is met and not
 * before: it and what it pulls in would cost every command more start-up time than the rest
 * together. */
#include "base/error.h"
#include "base/library.h"
#include "codec/stream.h"

#include <archive.h>
#include <stdlib.h>

/* ABI 13 is libarchive 3.x. */
#define LIBRARY "libarchive.so.13"

#define FUNCTIONS(_)                                                                               \
    _(archive_read_new)                                                                            \
    _(archive_read_support_filter_bzip2)                                                           \
    _(archive_read_support_filter_xz)                                                              \
    _(archive_read_support_filter_lzma)                                                            \
    _(archive_read_support_filter_lzip)                                                            \
    _(archive_read_support_format_raw)                                                             \
    _(archive_read_open)                                                                           \
    _(archive_read_next_header)                                                                    \
    _(archive_read_data)                                                                           \
    _(archive_read_free)                                                                           \
    _(archive_error_string)

#define NAME(function) #function,
static const char *const function_names[] = {FUNCTIONS(NAME) NULL};
#undef NAME

struct library {
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

struct foreign_decoder {
    struct decoder decoder;
    struct library library;
    struct archive *archive;
    struct error source_error; /* what stopped the source, ERROR_NONE when nothing did */
    unsigned char input[CODEC_BUFFER_SIZE];
};

static int corrupt(struct foreign_decoder *foreign, struct error *error)
{
    if (foreign->source_error.class != ERROR_NONE) {
        *error = foreign->source_error;
        return -1;
    }
    const char *reason = foreign->library.archive_error_string(foreign->archive);
    return error_set(error, ERROR_CORRUPT, "damaged compressed data: %s",
                     reason ? reason : "libarchive can't read it");
}

static la_ssize_t provide(struct archive *archive, void *context, const void **data)
{
    (void)archive;
    struct foreign_decoder *foreign = context;
    struct source source = foreign->decoder.source;
    *data = foreign->input;
    return source.read(source.context, foreign->input, sizeof foreign->input,
                       &foreign->source_error);
}

static ssize_t foreign_read(struct decoder *decoder, void *data, size_t size, struct error *error)
{
    struct foreign_decoder *foreign = (struct foreign_decoder *)decoder;
    la_ssize_t n = foreign->library.archive_read_data(foreign->archive, data, size);
    return n < 0 ? corrupt(foreign, error) : (ssize_t)n;
}

static void foreign_close(struct decoder *decoder)
{
    struct foreign_decoder *foreign = (struct foreign_decoder *)decoder;
    if (foreign->archive)
        foreign->library.archive_read_free(foreign->archive);
    library_close(foreign->library.handle);
    free(foreign);
}

static int begin(struct foreign_decoder *foreign, struct error *error)
{
    struct library *library = &foreign->library;
    library->handle = library_open(LIBRARY, "this coding needs libarchive", function_names,
                                   library->addresses, error);
    if (!library->handle)
        return -1;
    struct archive *archive = foreign->archive = library->archive_read_new();
    if (!archive)
        return error_memory(error);
    library->archive_read_support_filter_bzip2(archive);
    library->archive_read_support_filter_xz(archive);
    library->archive_read_support_filter_lzma(archive);
    library->archive_read_support_filter_lzip(archive);
    library->archive_read_support_format_raw(archive);
    struct archive_entry *entry;
    if (library->archive_read_open(archive, foreign, NULL, provide, NULL) != ARCHIVE_OK ||
        library->archive_read_next_header(archive, &entry) != ARCHIVE_OK)
        return corrupt(foreign, error);
    return 0;
}

struct decoder *foreign_decoder_open(struct source source, struct error *error)
{
    struct foreign_decoder *foreign = calloc(1, sizeof *foreign);
    if (!foreign) {
        error_memory(error);
        return NULL;
    }
    foreign->decoder = (struct decoder){foreign_read, foreign_close, source};
    if (begin(foreign, error)) {
        foreign_close(&foreign->decoder);
        return NULL;
    }
    return &foreign->decoder;
}
