/* A kernel, its calls, and how threads go through their stages. See node.h. */
#include "node.h"

#include <immintrin.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#define MOST_STAGES_OF_STEP 2
#define LINE 64
#define SPINS 4096 /* looks at a stage's end before the processor is offered to others */

const Kernels *best_kernels(void) {
    const char *wish = getenv("NEXTSTROKE_KERNELS"); /* library.py says what it may be */
    __builtin_cpu_init();
    if (wish && !strcmp(wish, "avx2")) return &kernels_avx2;
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vnni"))
        return &kernels_avx512;
    return &kernels_avx2;
}

int64_t product_of(const int64_t *sizes, size_t length) {
    int64_t product = 1;
    for (size_t i = 0; i < length; i++) product *= sizes[i];
    return product;
}

int64_t rounded_up(int64_t value, int64_t step) { return (value + step - 1) / step * step; }

/* Memory of the last call of any node, of each kind. Nodes run one after the other, so one is enough; a second session
 * that runs at the same time gets memory of its own. */
typedef struct {
    size_t size;
    char bytes[];
} Scratch;

enum { OF_STEPS, OF_STAGES, KINDS };
static _Atomic(void *) spare[KINDS];

static Scratch *take_scratch(int kind, size_t size) {
    Scratch *scratch = atomic_exchange(&spare[kind], NULL);
    if (scratch && scratch->size >= size) return scratch;
    free(scratch);
    scratch = malloc(sizeof(Scratch) + size + LINE);
    if (scratch) scratch->size = size;
    return scratch;
}

static void give_back(int kind, Scratch *scratch) { free(atomic_exchange(&spare[kind], scratch)); }

static char *aligned(char *p) { return (char *)(((uintptr_t)p + LINE - 1) & ~(uintptr_t)(LINE - 1)); }

/* What a kernel keeps between calls. */
struct Node {
    Api api;
    size_t count, between; /* steps, tensors between them */
    Step *steps;
    int64_t *widths; /* of a row of each tensor between steps */
};

/* What lasts for one call. */
struct Call {
    Api api;
    Context *context;
    const struct Node *node;
    int64_t rows;
    Tensor *tensors; /* between steps; the data of each is where it will lie */
    Tensor made[MOST_NODE_OUTPUTS];
    int64_t *numbers, *numbers_end;
    Stage *stages;
    size_t count;
    const void *rounded; /* what stages before have in 8 bits, and how */
    int64_t rounded_m, rounded_k, rounded_bits;
    size_t shared;         /* bytes for rows in 8 bits */
    char *rows_in_8_bits, *scratch;
    size_t scratch_size; /* of one thread */
    int64_t most_threads;
    _Atomic int64_t threads;
};

Status *problem(const Call *call, const char *text) { return make_status(call->api, text); }

static Status *sizes_of(Api api, const Value *value, int *type, int64_t *sizes, size_t *length) {
    Shape *shape = NULL;
    TRY(value_shape(api, value, &shape));
    Status *status = shape_type(api, shape, type);
    if (!status) status = shape_length(api, shape, length);
    if (!status && *length > 4) status = make_status(api, "an input has more than four dimensions");
    if (!status) status = shape_sizes(api, shape, sizes, *length);
    free_shape(api, shape);
    return status;
}

static Status *read_outer(Call *call, int place, Tensor *tensor) {
    const Value *value = NULL;
    size_t count = 0;
    memset(tensor, 0, sizeof(*tensor));
    if (place < 0) return NULL;
    TRY(call_input_count(call->api, call->context, &count));
    if ((size_t)place >= count) return NULL;
    TRY(call_input(call->api, call->context, (size_t)place, &value));
    if (!value) return NULL;
    TRY(value_data(call->api, value, &tensor->data));
    return sizes_of(call->api, value, &tensor->type, tensor->sizes, &tensor->length);
}

Status *input_of(Call *call, const Step *step, int index, int type, Tensor *tensor) {
    const int place = step->inputs[index];
    if (place < OUTPUTS) {
        TRY(read_outer(call, place, tensor));
    } else {
        *tensor = place < INNER ? call->made[place - OUTPUTS] : call->tensors[place - INNER];
        if (!tensor->length) return problem(call, "a step that reads what none has written");
    }
    return tensor->type && tensor->type != type ? problem(call, "an input is of another type") : NULL;
}

Status *data_of(Call *call, const Step *step, int index, int type, int64_t count, const void **data) {
    Tensor tensor;
    TRY(input_of(call, step, index, type, &tensor));
    *data = tensor.data;
    if (tensor.data && product_of(tensor.sizes, tensor.length) != count) return problem(call, "an input is of another size");
    return NULL;
}

Status *output_of(Call *call, const Step *step, int index, const int64_t *sizes, size_t length, void **data) {
    const int place = step->outputs[index];
    *data = NULL;
    if (place == NOTHING) return NULL;
    Tensor *tensor = place < INNER ? &call->made[place - OUTPUTS] : &call->tensors[place - INNER];
    if (place < INNER) {
        Value *value = NULL;
        TRY(call_output(call->api, call->context, (size_t)(place - OUTPUTS), sizes, length, &value));
        if (!value) return NULL;
        TRY(value_data(call->api, value, &tensor->data));
    } else if (product_of(sizes, length) > call->rows * call->node->widths[place - INNER]) {
        return problem(call, "a step of more rows than the first");
    }
    memcpy(tensor->sizes, sizes, length * sizeof(*sizes));
    tensor->length = length;
    tensor->type = step->results[index];
    *data = tensor->data;
    if (*data == call->rounded) call->rounded = NULL;
    return NULL;
}

Stage *add_stage(Call *call, const Step *step, void (*run)(const Stage *, int64_t, char *), int64_t items) {
    Stage *stage = &call->stages[call->count++];
    *stage = (Stage){.run = run, .kernels = step->run, .items = items};
    return stage;
}

int has_rounded(Call *call, const void *x, int64_t m, int64_t k, int64_t bits, size_t bytes) {
    if (x && call->rounded == x && call->rounded_m == m && call->rounded_k == k && call->rounded_bits == bits) return 1;
    call->rounded = x, call->rounded_m = m, call->rounded_k = k, call->rounded_bits = bits;
    if (bytes > call->shared) call->shared = bytes;
    return 0;
}

int64_t *numbers_of(Call *call, int64_t count) {
    if (count > call->numbers_end - call->numbers) return NULL;
    call->numbers += count;
    return call->numbers - count;
}

static int is_done(Stage *stage) { return atomic_load(&stage->done) >= stage->items; }

/* One thread's way through all stages. */
static void go_through(void *data, size_t share) {
    (void)share;
    Call *call = data;
    if (is_done(&call->stages[call->count - 1])) return; /* a share of the loop that came when all was over */
    const int64_t thread = atomic_fetch_add(&call->threads, 1);
    if (thread >= call->most_threads) return; /* without scratch of its own */
    char *scratch = call->scratch + (size_t)thread * call->scratch_size;
    for (size_t i = 0; i < call->count; i++) {
        Stage *stage = &call->stages[i];
        int64_t mine = 0;
        for (;;) {
            const int64_t item = atomic_load_explicit(&stage->next, memory_order_relaxed) < stage->items ? atomic_fetch_add(&stage->next, 1) : stage->items;
            if (item >= stage->items) break;
            stage->run(stage, item, scratch);
            mine++;
        }
        if (mine) atomic_fetch_add(&stage->done, mine);
        for (int64_t spins = 0; !is_done(stage); spins++) {
            _mm_pause();
            if (spins >= SPINS) sched_yield();
        }
    }
}

static Status *run_stages(Call *call) {
    int64_t longest = 0;
    for (size_t i = 0; i < call->count; i++) {
        Stage *stage = &call->stages[i];
        if (stage->scratch > call->scratch_size) call->scratch_size = stage->scratch;
        if (stage->items > longest) longest = stage->items;
    }
    call->scratch_size = (size_t)rounded_up((int64_t)call->scratch_size, LINE);
    const size_t rows = (size_t)rounded_up((int64_t)call->shared, LINE);
    call->most_threads = longest < SHARES ? longest : SHARES; /* more would find nothing to do */
    Scratch *scratch = take_scratch(OF_STAGES, rows + (size_t)call->most_threads * call->scratch_size);
    if (!scratch) return problem(call, "bad allocation");
    call->rows_in_8_bits = aligned(scratch->bytes);
    call->scratch = call->rows_in_8_bits + rows;
    for (size_t i = 0; i < call->count; i++) {
        Stage *stage = &call->stages[i];
        if (stage->is_product) stage->product.rounded = call->rows_in_8_bits;
    }
    Status *status = NULL;
    if (longest < 2) go_through(call, 0); /* one item a stage: not worth the pool */
    else status = run_parallel(call->api, call->context, go_through, SHARES, 0, call);
    give_back(OF_STAGES, scratch);
    return status;
}

static Status *plan_and_run(Call *call) {
    for (size_t i = 0; i < call->node->count; i++) {
        const Step *step = &call->node->steps[i];
        TRY(step->plan(call, step));
    }
    return call->count ? run_stages(call) : NULL;
}

Status *compute_node(void *kernel, Context *context) {
    const struct Node *node = kernel;
    Call call = {.api = node->api, .context = context, .node = node};
    int64_t sequences = 0; /* may be more than rows: of no rows each */
    for (size_t i = 0; i < node->count; i++) {
        Tensor first = {0};
        if (node->steps[i].inputs[0] < OUTPUTS) TRY(read_outer(&call, node->steps[i].inputs[0], &first));
        const int64_t rows = first.length ? product_of(first.sizes, first.length - 1) : 0;
        if (rows > call.rows) call.rows = rows;
        if (first.length && first.sizes[0] > sequences) sequences = first.sizes[0];
    }
    if (sequences < call.rows) sequences = call.rows;
    size_t between = 0;
    for (size_t i = 0; i < node->between; i++) between += (size_t)rounded_up(call.rows * node->widths[i] * 4, LINE);
    const size_t stages = node->count * MOST_STAGES_OF_STEP * sizeof(Stage), tensors = node->between * sizeof(Tensor);
    const size_t numbers = node->count * (size_t)sequences;
    Scratch *scratch = take_scratch(OF_STEPS, stages + between + tensors + numbers * sizeof(int64_t));
    if (!scratch) return make_status(node->api, "bad allocation");
    char *at = aligned(scratch->bytes);
    call.stages = (Stage *)at, at += stages;
    char *data = at;
    at += between;
    call.tensors = (Tensor *)at, at += tensors;
    for (size_t i = 0; i < node->between; i++) {
        call.tensors[i] = (Tensor){.data = data};
        data += rounded_up(call.rows * node->widths[i] * 4, LINE);
    }
    call.numbers = (int64_t *)at;
    call.numbers_end = call.numbers + numbers;
    Status *status = plan_and_run(&call);
    give_back(OF_STEPS, scratch);
    return status;
}

void destroy_node(void *kernel) {
    struct Node *node = kernel;
    for (size_t i = 0; i < node->count; i++) give_weights(node->steps[i].owner);
    free(node->steps);
    free(node->widths);
    free(node);
}

Status *new_node(Api api, size_t count, size_t between, Step **steps, int64_t **widths, void **kernel) {
    struct Node *node = calloc(1, sizeof(*node));
    *kernel = NULL;
    if (!node) return make_status(api, "bad allocation");
    *node = (struct Node){.api = api, .count = count, .between = between};
    node->steps = calloc(count, sizeof(Step));
    node->widths = calloc(between + 1, sizeof(int64_t));
    if (!node->steps || !node->widths) {
        node->count = 0;
        destroy_node(node);
        return make_status(api, "bad allocation");
    }
    for (size_t i = 0; i < count; i++) {
        node->steps[i].run = best_kernels();
        for (int j = 0; j < MOST_OUTPUTS; j++) node->steps[i].results[j] = FLOAT;
    }
    *steps = node->steps, *widths = node->widths, *kernel = node;
    return NULL;
}

/* A constant input of `count` items. */
Status *read_constant(Api api, const Info *info, int place, int type, int64_t count, void **data) {
    const Value *value = NULL;
    int is_constant = 0, found = 0;
    int64_t sizes[4];
    size_t length = 0;
    if (place < 0 || place >= OUTPUTS) return make_status(api, "weights that are not constant");
    TRY(info_constant(api, info, (size_t)place, &is_constant, &value));
    if (!is_constant || !value) return make_status(api, "weights that are not constant");
    TRY(sizes_of(api, value, &found, sizes, &length));
    if (found != type || product_of(sizes, length) != count) return make_status(api, "weights of another size");
    return value_data(api, (Value *)value, data);
}
