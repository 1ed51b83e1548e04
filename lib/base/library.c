#include "base/library.h"
#include "base/error.h"

#include <dlfcn.h>
#include <stddef.h>

static int resolve(void *library, const char *file, const char *need, const char *const *names,
                   void **functions, struct error *error)
{
    for (size_t i = 0; names[i]; i++) {
        functions[i] = dlsym(library, names[i]);
        if (!functions[i])
            return error_set(error, ERROR_SYSTEM, "%s: %s has no %s", need, file, names[i]);
    }
    return 0;
}

void *library_open(const char *file, const char *need, const char *const *names, void **functions,
                   struct error *error)
{
    void *library = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        error_set(error, ERROR_SYSTEM, "%s: %s", need, dlerror());
        return NULL;
    }
    if (resolve(library, file, need, names, functions, error)) {
        library_close(library);
        return NULL;
    }
    return library;
}

void library_close(void *library)
{
    if (library)
        dlclose(library);
}
