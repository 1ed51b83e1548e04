/* Codings and labels, with every byte of a small object damaged in turn. */
#include "base/buf.h"
#include "base/error.h"
#include "codec/codec.h"
#include "codec/label.h"
#include "tap.h"

#include <stdlib.h>

/* Three pieces (codec/pieces.h), the last one small. */
enum { RAW_SIZE = 17 * 1024 * 1024 + 123 };

static unsigned char raw[RAW_SIZE];

static int append(void *context, const void *data, size_t size, struct error *error)
{
    return buf_append(context, data, size, error);
}

struct memory {
    const char *data;
    size_t length, used;
    size_t portion; /* what one read gives at most */
};

static ssize_t read_memory(void *context, void *data, size_t size, struct error *error)
{
    struct memory *memory = context;
    (void)error;
    size_t n = memory->length - memory->used;
    n = n < size ? n : size;
    n = n < memory->portion ? n : memory->portion;
    memcpy(data, memory->data + memory->used, n);
    memory->used += n;
    return (ssize_t)n;
}

static struct label sample_label(uint64_t raw_size)
{
    struct label label = {.raw_size = raw_size,
                          .stored_size = 7,
                          .stored_crc32c = 0xabc,
                          .system_identifier = UINT64_MAX,
                          .timeline = UINT32_MAX};
    strcpy(label.name, "000000010000000000000003.00000028.backup");
    memset(label.raw_sha256, 'a', LABEL_SHA256_SIZE);
    strcpy(label.server_version, "15");
    strcpy(label.time, "2026-11-23T20:00:00Z");
    return label;
}

/* A whole object: label and coded data. */
static void make_object(const char *coding, size_t raw_size, struct buf *object)
{
    struct error error;
    struct codec_choice choice;
    struct label label = sample_label(raw_size);
    if (codec_choice_parse(coding, &choice, &error) ||
        label_write(&label, choice.codec, object, &error))
        abort();
    struct encoder *encoder = encoder_open(choice, raw_size, (struct sink){append, object}, &error);
    for (size_t at = 0; at < raw_size; at += 70001)
        if (encoder_write(encoder, raw + at, raw_size - at < 70001 ? raw_size - at : 70001, &error))
            abort();
    if (encoder_finish(encoder, &error))
        abort();
    encoder_close(encoder);
}

/* Decodes what is behind the label. Returns the raw length, -1 on error; *same tells whether it is
 * what was put in. */
static ssize_t decode(const char *data, size_t length, size_t portion, bool *same)
{
    static unsigned char out[RAW_SIZE + 1];
    struct error error = {0};
    struct memory memory = {data, length, 0, portion};
    struct decoder *decoder =
        decoder_open(codec_detect(data, length), (struct source){read_memory, &memory}, &error);
    ssize_t total = decoder ? 0 : -1;
    for (ssize_t n = 1; decoder && n > 0;) {
        n = decoder_read(decoder, out + total, sizeof out - (size_t)total, &error);
        total = n < 0 || total + n > RAW_SIZE ? -1 : total + n;
        if (total < 0)
            break;
    }
    if (total < 0 && decoder)
        is_int(error.class, ERROR_CORRUPT, "what can't be decoded is corrupt: %s", error.message);
    decoder_close(decoder);
    *same = total > 0 && memcmp(out, raw, (size_t)total) == 0;
    return total;
}

static void test_round_trip(const char *coding)
{
    struct buf object = {0};
    struct label label;
    struct error error;
    size_t head = 0;
    bool same;
    make_object(coding, RAW_SIZE, &object);
    size_t size = object.length < LABEL_HEAD_MAX ? object.length : LABEL_HEAD_MAX;
    int found = label_read(object.data, size, &label, &head, &error);
    bool none = strcmp(coding, "none") == 0;
    is_int(found, !none, "%s: label is %sfound", coding, none ? "not " : "");
    size_t skip = found ? label_skip(object.data, head) : 0;
    is_int(decode(object.data + skip, object.length - skip, SIZE_MAX, &same), RAW_SIZE,
           "%s: everything comes back", coding);
    ok(same, "%s: it is the same", coding);
    is_int(decode(object.data + skip, object.length - skip, 1000, &same), RAW_SIZE,
           "%s: in small portions too", coding);
    if (!none) {
        decode(object.data + skip, object.length - skip - 1, SIZE_MAX, &same);
        ok(!same, "%s: a byte less is an error", coding);
        buf_append(&object, "x", 1, &error);
        is_int(decode(object.data + skip, object.length - skip, SIZE_MAX, &same), -1,
               "%s: a byte more is an error", coding);
    }
    buf_free(&object);
}

static void test_label_fields(void)
{
    struct label in = sample_label(16777216), out;
    struct codec_choice choice;
    struct error error;
    struct buf head = {0};
    size_t length;
    codec_choice_parse("lz4", &choice, &error);
    label_write(&in, choice.codec, &head, &error);
    in.stored_size = UINT64_MAX;
    struct buf longest = {0};
    label_write(&in, choice.codec, &longest, &error);
    is_int(head.length, longest.length, "the stored size does not change the head's length");
    is_int(label_read(longest.data, longest.length, &out, &length, &error), 1, "it is read");
    is_int(length, longest.length, "all of it");
    is_string(out.name, in.name, "name");
    is_string(out.raw_sha256, in.raw_sha256, "SHA-256");
    is_string(out.server_version, "15", "version");
    is_string(out.time, in.time, "time");
    ok(out.raw_size == in.raw_size && out.stored_size == UINT64_MAX && out.stored_crc32c == 0xabc &&
           out.system_identifier == UINT64_MAX && out.timeline == UINT32_MAX,
       "numbers, the largest too");
    for (size_t cut = 27; cut < longest.length; cut++)
        if (label_read(longest.data, cut, &out, &length, &error) != -1)
            ok(false, "a label cut off at %zu is damaged", cut);
    buf_free(&head);
    buf_free(&longest);
}

/* Flips every bit of a head: never read as a valid label, and never overlooked in a way that leaves
 * decodable data behind. */
static void test_label_bits(const char *coding)
{
    struct buf object = {0};
    struct label label;
    struct error error;
    size_t head, dummy;
    int accepted = 0, overlooked = 0;
    make_object(coding, 1000, &object);
    label_read(object.data, object.length, &label, &head, &error);
    for (size_t bit = 0; bit < head * 8; bit++) {
        object.data[bit / 8] ^= (char)(1 << bit % 8);
        int found = label_read(object.data, object.length, &label, &dummy, &error);
        accepted += found > 0;
        if (found == 0 && codec_detect(object.data, object.length)->magic_length)
            overlooked++;
        object.data[bit / 8] ^= (char)(1 << bit % 8);
    }
    is_int(accepted, 0, "%s: no damaged label is accepted", coding);
    is_int(overlooked, 0, "%s: none is overlooked before data that decodes", coding);
    buf_free(&object);
}

static void test_choice(void)
{
    static const char *const good[] = {"none", "gzip", "gzip:9", "lz4:12", "zstd:19", "zstd"};
    static const char *const bad[] = {"",       "zst",     "zstd:",   "zstd:0", "zstd:20",
                                      "gzip:x", "none:1",  "zstd:3x", "ZSTD",   "xz",
                                      "lz4:13", "zstd:-1", " zstd"};
    struct codec_choice choice;
    struct error error;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        is_int(codec_choice_parse(good[i], &choice, &error), 0, "\"%s\" is a coding", good[i]);
    is_int(choice.level, choice.codec->level_default, "without a level it is the default");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ok(codec_choice_parse(bad[i], &choice, &error) == -1 && error.class == ERROR_USAGE,
           "\"%s\" is none", bad[i]);
}

static void test_levels(void)
{
    for (size_t i = 0; codec_at(i); i++)
        for (int level = codec_at(i)->level_min; level <= codec_at(i)->level_max && level;
             level++) {
            struct buf object = {0};
            bool same;
            char coding[32];
            snprintf(coding, sizeof coding, "%s:%d", codec_at(i)->name, level);
            make_object(coding, 60000, &object);
            struct label label;
            struct error error;
            size_t head;
            label_read(object.data, LABEL_HEAD_MAX, &label, &head, &error);
            size_t skip = label_skip(object.data, head);
            decode(object.data + skip, object.length - skip, SIZE_MAX, &same);
            ok(same, "%s comes back", coding);
            buf_free(&object);
        }
}

int main(void)
{
    unsigned state = 1;
    for (size_t i = 0; i < RAW_SIZE; i++) {
        state = state * 1103515245 + 12345;
        raw[i] = i % 8192 < 3000 ? (unsigned char)(state >> 16) : (unsigned char)(i / 64);
    }
    test_choice();
    test_label_fields();
    static const char *const codings[] = {"zstd", "lz4", "gzip", "none"};
    for (size_t i = 0; i < 4; i++)
        test_round_trip(codings[i]);
    for (size_t i = 0; i < 3; i++)
        test_label_bits(codings[i]);
    test_levels();
    return done_testing();
}
