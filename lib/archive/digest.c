#include "archive/digest.h"
#include "base/error.h"
#include "base/thread.h"

#include <stdbool.h>
#include <stdlib.h>

enum { WORTH_A_THREAD = 64 * 1024 };

struct digest {
    struct sha256 *sha256;
    bool threaded;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    /* under the mutex */
    const void *data; /* what the thread is to add; NULL: nothing */
    size_t size;
    bool closing;
    bool failed;
};

static void *run(void *context)
{
    struct digest *digest = context;
    struct error ignored;
    pthread_mutex_lock(&digest->mutex);
    while (!digest->closing) {
        if (!digest->data) {
            pthread_cond_wait(&digest->changed, &digest->mutex);
            continue;
        }
        pthread_mutex_unlock(&digest->mutex);
        int result = sha256_update(digest->sha256, digest->data, digest->size, &ignored);
        pthread_mutex_lock(&digest->mutex);
        digest->failed |= result != 0;
        digest->data = NULL;
        pthread_cond_signal(&digest->changed);
    }
    pthread_mutex_unlock(&digest->mutex);
    return NULL;
}

struct digest *digest_open(struct error *error)
{
    struct digest *digest = calloc(1, sizeof *digest);
    if (!digest) {
        error_memory(error);
        return NULL;
    }
    pthread_mutex_init(&digest->mutex, NULL);
    pthread_cond_init(&digest->changed, NULL);
    digest->sha256 = sha256_open(error);
    if (!digest->sha256) {
        digest_close(digest);
        return NULL;
    }
    return digest;
}

void digest_wait(struct digest *digest)
{
    if (!digest->threaded)
        return;
    pthread_mutex_lock(&digest->mutex);
    while (digest->data)
        pthread_cond_wait(&digest->changed, &digest->mutex);
    pthread_mutex_unlock(&digest->mutex);
}

void digest_close(struct digest *digest)
{
    if (!digest)
        return;
    digest_wait(digest);
    if (digest->threaded) {
        pthread_mutex_lock(&digest->mutex);
        digest->closing = true;
        pthread_cond_signal(&digest->changed);
        pthread_mutex_unlock(&digest->mutex);
        pthread_join(digest->thread, NULL);
    }
    pthread_cond_destroy(&digest->changed);
    pthread_mutex_destroy(&digest->mutex);
    sha256_close(digest->sha256);
    free(digest);
}

static void hand_over(struct digest *digest, const void *data, size_t size)
{
    pthread_mutex_lock(&digest->mutex);
    digest->data = data;
    digest->size = size;
    pthread_cond_signal(&digest->changed);
    pthread_mutex_unlock(&digest->mutex);
}

int digest_add(struct digest *digest, const void *data, size_t size, struct error *error)
{
    digest_wait(digest);
    if (!digest->threaded && size >= WORTH_A_THREAD)
        digest->threaded = thread_start(&digest->thread, run, digest);
    if (!digest->threaded || size < WORTH_A_THREAD)
        return sha256_update(digest->sha256, data, size, error);
    hand_over(digest, data, size);
    return 0;
}

int digest_finish(struct digest *digest, char hex[SHA256_HEX_SIZE + 1], struct error *error)
{
    digest_wait(digest);
    if (digest->failed)
        return error_set(error, ERROR_SYSTEM, "OpenSSL can't compute SHA-256");
    return sha256_finish(digest->sha256, hex, error);
}
