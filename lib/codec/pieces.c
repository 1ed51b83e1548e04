#include "codec/pieces.h"
#include "base/error.h"
#include "base/thread.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum {
    PIECE_SIZE = 8 * 1024 * 1024, /* half a segment of the usual size */
    HUGE_PAGE_SIZE = 2 * 1024 * 1024,
    PIECES = 2,
};

struct piece {
    const struct pieces_coding *coding;
    int level;
    unsigned char *input, *output;
    size_t filled, capacity, produced;
    const char *problem;
    bool running; /* thread is coding it, or has and was not joined */
    pthread_t thread;
};

struct pieces_encoder {
    struct encoder encoder;
    struct piece pieces[PIECES];
    size_t current; /* the one that is being filled; the other one, if running, comes before it */
    size_t piece_size;
    bool written; /* at least one frame */
};

/* Memory in huge pages where the system has them: touching it for the first time is cheaper. */
static unsigned char *allocate(size_t size)
{
    void *memory = NULL;
    if (posix_memalign(&memory, size < HUGE_PAGE_SIZE ? sizeof(void *) : HUGE_PAGE_SIZE, size))
        return NULL;
    if (size >= HUGE_PAGE_SIZE)
        madvise(memory, size, MADV_HUGEPAGE);
    return memory;
}

static int prepare(struct pieces_encoder *pieces, struct piece *piece, struct error *error)
{
    if (piece->input)
        return 0;
    piece->capacity = piece->coding->bound(pieces->piece_size);
    piece->input = allocate(pieces->piece_size);
    piece->output = allocate(piece->capacity);
    return piece->input && piece->output ? 0 : error_memory(error);
}

static void *code(void *context)
{
    struct piece *piece = context;
    piece->produced = piece->coding->compress(piece->level, piece->input, piece->filled,
                                              piece->output, piece->capacity, &piece->problem);
    return NULL;
}

/* Without a thread the work is done here and now. */
static void start(struct piece *piece)
{
    piece->running = thread_start(&piece->thread, code, piece);
    if (!piece->running)
        code(piece);
}

static void wait_for(struct piece *piece)
{
    if (piece->running)
        pthread_join(piece->thread, NULL);
    piece->running = false;
}

/* Writes what a piece has become, if there is one in it; then it is empty again. */
static int emit(struct pieces_encoder *pieces, struct piece *piece, struct error *error)
{
    struct sink sink = pieces->encoder.sink;
    wait_for(piece);
    if (piece->filled == 0 && piece->produced == 0)
        return 0;
    size_t produced = piece->produced;
    piece->filled = piece->produced = 0;
    if (produced == 0)
        return error_set(error, ERROR_SYSTEM, "can't compress: %s", piece->problem);
    pieces->written = true;
    return sink.write(sink.context, piece->output, produced, error);
}

static int pieces_write(struct encoder *encoder, const void *data, size_t size, struct error *error)
{
    struct pieces_encoder *pieces = (struct pieces_encoder *)encoder;
    for (const unsigned char *at = data; size > 0;) {
        struct piece *piece = &pieces->pieces[pieces->current];
        if (prepare(pieces, piece, error))
            return -1;
        size_t room = pieces->piece_size - piece->filled;
        size_t taken = size < room ? size : room;
        memcpy(piece->input + piece->filled, at, taken);
        piece->filled += taken;
        at += taken;
        size -= taken;
        if (piece->filled == pieces->piece_size) {
            start(piece);
            pieces->current = (pieces->current + 1) % PIECES;
            if (emit(pieces, &pieces->pieces[pieces->current], error))
                return -1;
        }
    }
    return 0;
}

/* The last piece is coded in this thread, while the one before it may still be in the other. */
static int pieces_finish(struct encoder *encoder, struct error *error)
{
    struct pieces_encoder *pieces = (struct pieces_encoder *)encoder;
    struct piece *last = &pieces->pieces[pieces->current];
    struct piece *before = &pieces->pieces[(pieces->current + 1) % PIECES];
    bool anything = last->filled > 0 || before->running || before->filled > 0 || pieces->written;
    if (prepare(pieces, last, error))
        return -1;
    if (last->filled > 0 || !anything)
        code(last);
    return emit(pieces, before, error) || emit(pieces, last, error) ? -1 : 0;
}

static void pieces_close(struct encoder *encoder)
{
    struct pieces_encoder *pieces = (struct pieces_encoder *)encoder;
    for (size_t i = 0; i < PIECES; i++) {
        wait_for(&pieces->pieces[i]);
        free(pieces->pieces[i].input);
        free(pieces->pieces[i].output);
    }
    free(pieces);
}

struct encoder *pieces_encoder_open(const struct pieces_coding *coding, int level,
                                    uint64_t raw_size, struct sink sink, struct error *error)
{
    struct pieces_encoder *pieces = calloc(1, sizeof *pieces);
    if (!pieces) {
        error_memory(error);
        return NULL;
    }
    pieces->encoder = (struct encoder){pieces_write, pieces_finish, pieces_close, sink};
    pieces->piece_size = raw_size > 0 && raw_size < PIECE_SIZE ? (size_t)raw_size + 1 : PIECE_SIZE;
    for (size_t i = 0; i < PIECES; i++)
        pieces->pieces[i] = (struct piece){.coding = coding, .level = level};
    return &pieces->encoder;
}
