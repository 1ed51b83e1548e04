/* library.h - a shared library that is loaded only when it is needed, because loading it would cost
 * every command more time than all the rest. */
#ifndef BASE_LIBRARY_H
#define BASE_LIBRARY_H

struct error;

/* Loads the library and stores the addresses of its functions: functions[i] is the one called
 * names[i] (NULL-terminated). `need` begins the message, and the reason follows: "this coding needs
 * libarchive". Returns a handle, or NULL with ERROR_SYSTEM; functions then holds nothing of use.
 * library_close(NULL) is allowed. */
void *library_open(const char *file, const char *need, const char *const *names, void **functions,
                   struct error *error);
void library_close(void *library);

#endif
