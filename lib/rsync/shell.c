#include "rsync/shell.h"
#include "base/error.h"
#include "rsync/names.h"

#include <stdlib.h>
#include <string.h>

/* "$(printf %b "\0057...")": printf(1) writes the bytes, and the substitution within quotes is one
 * word. It would drop newlines at the end: no path has any (rsync/place.c, storage.h). */
static int add_text(struct buf *script, const char *text, struct error *error)
{
    if (buf_printf(script, error, "\"$(printf %%b \""))
        return -1;
    for (; *text; text++)
        if (buf_printf(script, error, "\\0%03o", (unsigned char)*text))
            return -1;
    return buf_printf(script, error, "\")\"");
}

static int add_enter(struct buf *script, const char *directory, struct error *error)
{
    return buf_printf(script, error, "sh -c 'n() { echo $1 >&2; exit %d; }; umask 027; cd -- ",
                      SHELL_NOT_READY) ||
                   add_text(script, directory, error) ||
                   buf_printf(script, error, " 2>/dev/null || n " SHELL_NO_ARCHIVE "; ")
               ? -1
               : 0;
}

/* The program, and before it a look whether it is there. */
static int add_program(struct buf *script, const char *before, const char *program,
                       struct error *error)
{
    return buf_printf(script, error, "command -v ") || add_text(script, program, error) ||
                   buf_printf(script, error, " >/dev/null || n " SHELL_NO_RSYNC "; %s", before) ||
                   add_text(script, program, error) || buf_printf(script, error, " \"$@\"")
               ? -1
               : 0;
}

/* The first word behind the script is $0, rsync's arguments follow. */
static int add_end(struct buf *script, struct error *error)
{
    return buf_printf(script, error, "' waltools");
}

/* sync(1) of GNU coreutils, which knows --version, takes files and directories; others' sync
 * everything, or want no argument at all. */
static int add_sync_function(struct buf *script, struct error *error)
{
    return buf_printf(
        script, error,
        "if sync --version >/dev/null 2>&1; then s() { sync -- \"$@\" || exit %1$d; }; "
        "else s() { sync || exit %1$d; }; fi; ",
        SHELL_CANT_SYNC);
}

int shell_rsync(struct buf *script, const char *directory, const char *program, struct error *error)
{
    return add_enter(script, directory, error) || add_program(script, "exec ", program, error) ||
                   add_end(script, error)
               ? -1
               : 0;
}

int shell_rsync_removing(struct buf *script, const char *directory, const char *program,
                         struct error *error)
{
    return add_enter(script, directory, error) || add_sync_function(script, error) ||
                   add_program(script, "", program, error) ||
                   buf_printf(script, error, "; c=$?; s .; exit $c") || add_end(script, error)
               ? -1
               : 0;
}

/* p TEMPORARY KEY DIRECTORY: where links can't be made, mv -n is the next best. Both would go into
 * a directory of that name. */
static const char place_function[] =
    "t() { [ -e \"$1\" ] || [ -L \"$1\" ]; }; "
    "p() { mkdir -p -- \"$3\" || exit %1$d; u=" SHELL_TEMPORARY "/$1; s \"$u\"; "
    "t \"$2\" && exit %2$d; "
    "if ln -- \"$u\" \"$2\" 2>/dev/null; then rm -f -- \"$u\"; "
    "elif t \"$2\"; then exit %2$d; "
    "else mv -n -- \"$u\" \"$2\"; [ -e \"$u\" ] && { t \"$2\" && exit %2$d; exit %3$d; }; fi; "
    "s \"$3\" .; }; ";

/* Its directory: "." or what is before the last slash. */
static int add_parent(struct buf *script, const char *key, struct error *error)
{
    const char *slash = strrchr(key, '/');
    char *parent = slash ? strndup(key, (size_t)(slash - key)) : strdup(".");
    int result = parent ? add_text(script, parent, error) : error_memory(error);
    free(parent);
    return result;
}

static int add_placing(struct buf *script, const struct shell_object *object, struct error *error)
{
    return buf_printf(script, error, "p %s ", object->temporary) ||
                   add_text(script, object->key, error) || buf_printf(script, error, " ") ||
                   add_parent(script, object->key, error) || buf_printf(script, error, "; ")
               ? -1
               : 0;
}

/* Whatever ends it, the temporary files go. */
static int add_clean_up(struct buf *script, const struct shell_object *objects, size_t count,
                        struct error *error)
{
    if (buf_printf(script, error, "trap \"rm -f --"))
        return -1;
    for (size_t i = 0; i < count; i++)
        if (buf_printf(script, error, " " SHELL_TEMPORARY "/%s", objects[i].temporary))
            return -1;
    return buf_printf(script, error, "\" EXIT; trap \"exit 1\" HUP INT TERM; ");
}

static int add_placings(struct buf *script, const struct shell_object *objects, size_t count,
                        struct error *error)
{
    for (size_t i = 0; i < count; i++)
        if (add_placing(script, &objects[i], error))
            return -1;
    return 0;
}

/* Only the first object of all, which goes into .waltools, finds that missing: else this is not the
 * archive that it was. */
static int add_check(struct buf *script, const char *key, struct error *error)
{
    return rsync_is_own(key)
               ? 0
               : buf_printf(script, error, "[ -d .waltools ] || n " SHELL_NO_IDENTITY "; ");
}

int shell_rsync_placing(struct buf *script, const char *directory, const char *program,
                        const struct shell_object *objects, size_t count, struct error *error)
{
    return add_enter(script, directory, error) || add_sync_function(script, error) ||
                   buf_printf(script, error, place_function, SHELL_CANT_MAKE, SHELL_EXISTS,
                              SHELL_CANT_LINK) ||
                   add_check(script, objects->key, error) ||
                   add_clean_up(script, objects, count, error) ||
                   buf_printf(script, error,
                              "mkdir -p " SHELL_TEMPORARY " || exit %d; "
                              "find " SHELL_TEMPORARY " -type f -mtime +0 -exec rm -f {} +; ",
                              SHELL_CANT_MAKE) ||
                   add_program(script, "", program, error) ||
                   buf_printf(script, error, " || exit $?; ") ||
                   add_placings(script, objects, count, error) ||
                   buf_printf(script, error, "exit 0") || add_end(script, error)
               ? -1
               : 0;
}

int shell_settle(struct buf *script, const char *directory, const char *key, struct error *error)
{
    return add_enter(script, directory, error) || add_sync_function(script, error) ||
                   buf_printf(script, error, "[ -e ") || add_text(script, key, error) ||
                   buf_printf(script, error, " ] || n " SHELL_MISSING "; s ") ||
                   add_text(script, key, error) || buf_printf(script, error, " ") ||
                   add_parent(script, key, error) || buf_printf(script, error, " .") ||
                   add_end(script, error)
               ? -1
               : 0;
}
