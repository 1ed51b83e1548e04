#include "s3/conditions.h"
#include "base/error.h"
#include "base/log.h"
#include "s3/s3.h"
#include "s3/multipart.h"

#include <stdlib.h>
#include <string.h>

static const char probe_key[] = ".waltools/probe";
static const char probe_text[] =
    "waltools writes this to learn whether \"If-None-Match: *\" is honoured here\n";

/* ---- trying ---- */

enum answer { MADE, EXISTED, REFUSED, FAILED };

static enum answer judge(struct s3_storage *s3, const struct error *error)
{
    int status = s3_client_failure(s3->client)->status;
    if (error->class == ERROR_EXISTS)
        return EXISTED;
    return status == 501 || status == 400 ? REFUSED : FAILED;
}

static enum answer put_probe(struct s3_storage *s3, enum s3_honoured with, struct error *error)
{
    struct s3_made made;
    struct s3_headers headers = {.count = 0};
    char *key = s3_key(s3, probe_key, error);
    if (!key)
        return FAILED;
    if (with == S3_HONOURED)
        s3_add(&headers, "if-none-match", "*");
    s3_add_reading(s3, &headers);
    s3_add_making(s3, &headers);
    const struct s3_call call = {.method = "PUT",
                                 .key = key,
                                 .headers = headers.list,
                                 .header_count = headers.count,
                                 .body = probe_text,
                                 .body_size = sizeof probe_text - 1,
                                 .made = &made};
    enum answer answer = s3_put(s3->client, &call, error) == 0 ? MADE : judge(s3, error);
    if (answer == MADE)
        s3->conditions.versioned = *made.version != '\0';
    free(key);
    return answer;
}

/* An object of one small part, under the probe's name, which exists by now. */
static enum answer complete_probe(struct s3_storage *s3, enum s3_honoured with, struct error *error)
{
    struct s3_multipart *multipart = s3_multipart_open(s3, probe_key, error);
    if (!multipart)
        return FAILED;
    enum answer answer = FAILED;
    if (s3_multipart_part(multipart, 1, probe_text, sizeof probe_text - 1, error) == 0)
        answer = s3_multipart_complete(multipart, with, error) == 0 ? MADE : judge(s3, error);
    s3_multipart_close(multipart);
    return answer;
}

/* ---- what follows from it ---- */

static void warn(struct s3_storage *s3, const char *of_what, enum answer answer)
{
    log_warning(
        "%s %s \"If-None-Match: *\"%s, so each name is looked for before it is written: two "
        "servers that push the same name in the same moment could overwrite each other",
        s3_client_place(s3->client)->host, answer == REFUSED ? "does not know" : "does not heed",
        of_what);
}

/* One of the conditions, and how it is tried. */
struct question {
    enum s3_honoured *known, *told;
    const char *of_what;
    enum answer (*try)(struct s3_storage *s3, enum s3_honoured with, struct error *error);
    enum answer when_new; /* what the first try says when nobody has tried before */
};

/* A refusal may have other reasons than the condition, passing ones too. It is the condition when
 * the same is taken without it, and then refused again with it. */
static enum answer find_answer(struct s3_storage *s3, const struct question *question,
                               struct error *error)
{
    enum answer answer = question->try(s3, S3_HONOURED, error);
    if (answer == REFUSED && question->try(s3, S3_NOT_HONOURED, error) != MADE)
        return FAILED;
    if (answer == REFUSED || answer == question->when_new)
        answer = question->try(s3, S3_HONOURED, error);
    return answer;
}

static int find_out(struct s3_storage *s3, const struct question *question, struct error *error)
{
    enum answer answer = find_answer(s3, question, error);
    if (answer == FAILED) {
        if (error->class == ERROR_MISSING || error->class == ERROR_EXISTS)
            error->class = ERROR_UNREACHABLE; /* that would be said of the object */
        return error_prefix(error, "can't find out whether a write can be create-only: ");
    }
    *question->known = answer == EXISTED ? S3_HONOURED : S3_NOT_HONOURED;
    if (answer != EXISTED && *question->told != S3_NOT_HONOURED)
        warn(s3, question->of_what, answer);
    *question->told = *question->known;
    return 0;
}

int s3_conditions_put(struct s3_storage *s3, enum s3_honoured *honoured, struct error *error)
{
    const struct question question = {&s3->conditions.put, &s3->conditions.put_told, "", put_probe,
                                      MADE};
    if (s3->conditions.put == S3_UNKNOWN && find_out(s3, &question, error))
        return -1;
    *honoured = s3->conditions.put;
    return 0;
}

int s3_conditions_complete(struct s3_storage *s3, enum s3_honoured *honoured, struct error *error)
{
    const struct question question = {&s3->conditions.complete, &s3->conditions.complete_told,
                                      " for objects in several parts", complete_probe, FAILED};
    /* Where it is refused or forgotten for an object, it is for several parts too. */
    if (s3_conditions_put(s3, honoured, error))
        return -1;
    if (*honoured == S3_NOT_HONOURED)
        return 0;
    if (s3->conditions.complete == S3_UNKNOWN && find_out(s3, &question, error))
        return -1;
    *honoured = s3->conditions.complete;
    return 0;
}

/* That there is versioning is remembered: where the probe is there already, its answer does not say
 * so, and all would be found out again and again. */
void s3_conditions_watch(struct s3_storage *s3, const struct s3_made *made)
{
    struct s3_conditions *conditions = &s3->conditions;
    if (!*made->version || conditions->versioned || conditions->put != S3_HONOURED)
        return;
    conditions->versioned = true;
    conditions->put = conditions->complete = S3_UNKNOWN;
}

/* ---- remembering ---- */

static const char *const words[] = {"unknown", "honoured", "not-honoured"};

int s3_conditions_write(const struct s3_conditions *conditions, struct buf *notes,
                        struct error *error)
{
    return buf_printf(notes, error, "put-condition=%s\ncomplete-condition=%s\nversioned=%s\n",
                      words[conditions->put], words[conditions->complete],
                      conditions->versioned ? "yes" : "no");
}

static bool says(const char *notes, const char *key, const char *word)
{
    const char *found = strstr(notes, key);
    size_t length = strlen(word);
    return found && (found == notes || found[-1] == '\n') &&
           strncmp(found + strlen(key), word, length) == 0 && found[strlen(key) + length] == '\n';
}

static enum s3_honoured read_word(const char *notes, const char *key)
{
    for (enum s3_honoured i = S3_HONOURED; i <= S3_NOT_HONOURED; i++)
        if (says(notes, key, words[i]))
            return i;
    return S3_UNKNOWN;
}

void s3_conditions_read(struct s3_conditions *conditions, const char *notes,
                        enum storage_belief belief)
{
    *conditions = (struct s3_conditions){
        .put = read_word(notes, "put-condition="),
        .complete = read_word(notes, "complete-condition="),
        .versioned = says(notes, "versioned=", "yes"),
    };
    conditions->put_told = conditions->put;
    conditions->complete_told = conditions->complete;
    if (belief == STORAGE_IN_DOUBT)
        conditions->put = conditions->complete = S3_UNKNOWN;
}
