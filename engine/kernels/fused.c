/* How a node of ONNX Runtime becomes steps: one with the options of its operator, or several by their description.
 *
 * For: operators.c. Knows: which kinds of steps there are, and how `own_graph.py` writes several. Must not know: what
 * they compute.
 *
 * The attribute "steps" of a node of several is whole numbers with a space between them:
 *
 *   how many tensors are between steps, the width of a row of each
 *   how many steps; of each its kind, 5 options, 10 places of inputs, 4 of outputs
 *
 * Places are those of node.h. A fraction among the options is given by its bits.
 */
#include "node.h"

#include <stdlib.h>
#include <string.h>

#define OPTIONS 5
#define MOST 100000

static float fraction_of(int64_t bits) {
    const int32_t whole = (int32_t)bits;
    float found;
    memcpy(&found, &whole, sizeof(found));
    return found;
}

/* The kinds of steps, as their numbers in a description; their options one after the other. */
static void set_product(Step *step, const int64_t *o) {
    step->n = o[0], step->k = o[1], step->bits = o[2], step->activation = o[3], step->alpha = fraction_of(o[4]);
}
static void set_attention(Step *step, const int64_t *o) {
    step->heads = o[0], step->kv_heads = o[1], step->scale = fraction_of(o[2]);
}
static void set_norm(Step *step, const int64_t *o) { step->epsilon = fraction_of(o[0]); }

typedef struct {
    Prepare prepare;
    void (*set)(Step *, const int64_t *);
    int is_attention;
} Kind;

static const Kind KINDS[] = {
    {prepare_blocks_product, set_product, 0}, {prepare_columns_product, set_product, 0}, {prepare_attention, set_attention, 1},
    {prepare_layer_norm, set_norm, 0},        {prepare_rms_norm, set_norm, 0},
};

/* Reads whole numbers; `failed` once one is missing or outside its range. */
typedef struct {
    const char *at;
    int failed;
} Reader;

static int64_t next_number(Reader *reader, int64_t least, int64_t most) {
    char *end = NULL;
    const long long found = strtoll(reader->at, &end, 10);
    if (end == reader->at || found < least || found > most) reader->failed = 1;
    reader->at = end;
    return reader->failed ? least : found;
}

/* Where a step reads from: there must be such an input, output or tensor between steps. */
static int next_place(Reader *reader, int64_t between) {
    const int64_t place = next_number(reader, NOTHING, INNER + between - 1);
    if (place >= OUTPUTS + MOST_NODE_OUTPUTS && place < INNER) reader->failed = 1;
    return (int)place;
}

/* Where it writes to: floats to the first outputs or between steps, others to the outputs behind. */
static int next_result(Reader *reader, int64_t between, int type) {
    const int place = next_place(reader, between);
    const int is_output = place >= OUTPUTS && place < INNER, is_float = is_output && place < OUTPUTS + FLOAT_OUTPUTS;
    if (place != NOTHING && !(type == FLOAT ? is_float || place >= INNER : is_output && !is_float)) reader->failed = 1;
    return place;
}

static void read_step(Reader *reader, Step *step, int64_t between, const Kind **kind) {
    int64_t options[OPTIONS];
    *kind = &KINDS[next_number(reader, 0, sizeof(KINDS) / sizeof(*KINDS) - 1)];
    for (int i = 0; i < OPTIONS; i++) options[i] = next_number(reader, INT32_MIN, INT32_MAX);
    for (int i = 0; i < MOST_INPUTS; i++) step->inputs[i] = next_place(reader, between);
    for (int i = 0; i < MOST_OUTPUTS; i++) step->outputs[i] = next_result(reader, between, (*kind)->is_attention && (i == 1 || i == 2) ? INT8 : FLOAT);
    (*kind)->set(step, options);
}

static Status *read_steps(Api api, const Info *info, const char *text, void **kernel) {
    Reader reader = {.at = text};
    Step *steps;
    int64_t *widths;
    const int64_t between = next_number(&reader, 0, MOST);
    const char *first_width = reader.at;
    for (int64_t i = 0; i < between && !reader.failed; i++) next_number(&reader, 1, INT32_MAX);
    const int64_t count = next_number(&reader, 1, MOST);
    if (reader.failed) return make_status(api, "steps that cannot be read");
    TRY(new_node(api, (size_t)count, (size_t)between, &steps, &widths, kernel));
    reader.at = first_width;
    for (int64_t i = 0; i < between; i++) widths[i] = next_number(&reader, 1, INT32_MAX);
    next_number(&reader, 1, MOST);
    Status *status = NULL;
    for (int64_t i = 0; i < count && !status; i++) {
        const Kind *kind;
        read_step(&reader, &steps[i], between, &kind);
        status = reader.failed ? make_status(api, "steps that cannot be read") : kind->prepare(api, info, &steps[i]);
    }
    if (!status && (steps[0].inputs[0] < 0 || steps[0].inputs[0] >= OUTPUTS)) status = make_status(api, "steps without an input");
    return status;
}

Status *create_fused(const Operator *op, Api api, const Info *info, void **kernel) {
    (void)op;
    size_t size = 0;
    *kernel = NULL;
    TRY(info_text(api, info, "steps", NULL, &size));
    char *text = malloc(size + 1);
    if (!text) return make_status(api, "bad allocation");
    Status *status = info_text(api, info, "steps", text, &size);
    if (!status) {
        text[size] = 0;
        status = read_steps(api, info, text, kernel);
    }
    free(text);
    if (status && *kernel) destroy_node(*kernel), *kernel = NULL;
    return status;
}

static int64_t option_of(Api api, const Info *info, const char *name, int64_t otherwise) {
    int64_t found = otherwise;
    Status *missing = info_integer(api, info, name, &found);
    if (!missing) return found;
    free_status(api, missing);
    return otherwise;
}

static float fraction_option_of(Api api, const Info *info, const char *name, float otherwise) {
    float found = otherwise;
    Status *missing = info_float(api, info, name, &found);
    if (!missing) return found;
    free_status(api, missing);
    return otherwise;
}

Status *create_single(Api api, const Info *info, Prepare prepare, void **kernel) {
    Step *step;
    int64_t *widths;
    TRY(new_node(api, 1, 0, &step, &widths, kernel));
    for (int i = 0; i < MOST_INPUTS; i++) step->inputs[i] = i;
    for (int i = 0; i < MOST_OUTPUTS; i++) step->outputs[i] = OUTPUTS + i;
    step->n = option_of(api, info, "N", 0), step->k = option_of(api, info, "K", 0), step->bits = option_of(api, info, "bits", 0);
    step->activation = option_of(api, info, "activation", NO_ACTIVATION);
    step->heads = option_of(api, info, "num_heads", 0), step->kv_heads = option_of(api, info, "kv_num_heads", 0);
    step->alpha = fraction_option_of(api, info, "alpha", 0.0f), step->scale = fraction_option_of(api, info, "scale", 0.0f);
    step->epsilon = fraction_option_of(api, info, "epsilon", 1e-12f);
    Status *status = prepare(api, info, step);
    if (status) destroy_node(*kernel), *kernel = NULL;
    return status;
}
