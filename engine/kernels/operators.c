/* Own operators for ONNX Runtime, named and shaped as those of its domain com.microsoft that they replace.
 *
 * For: SessionOptions.register_custom_ops_library. Knows: ONNX Runtime's C interface, its thread pool, and the tables of
 * kernels; picks the one for this processor. Must not know: graphs, or how anything is computed.
 *
 *   compute ── inputs and outputs as a task ── shared out over the pool's threads ──> kernels
 *
 * Work is shared out in pieces that threads take one after the other, whoever is free; which thread takes which piece
 * changes nothing in the result.
 */
#include "runtime_api.h"
#include "tasks.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define SHARES 64          /* calls that a loop over the pool is cut into; more than threads, so that all get some */
#define TILE 16
#define BLOCK 32
#define QUERY_ROWS 16      /* rows whose scores are kept at a time */
#define MOST_SEQUENCES 1024

#define TRY(call)                        \
    do {                                 \
        Status *status_ = (call);        \
        if (status_) return status_;     \
    } while (0)

static const Kernels *kernels(void) {
    const char *wish = getenv("NEXTSTROKE_KERNELS"); /* library.py says what it may be */
    __builtin_cpu_init();
    if (wish && !strcmp(wish, "avx2")) return &kernels_avx2;
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vnni"))
        return &kernels_avx512;
    return &kernels_avx2;
}

/* Whether this processor can run any of them. */
int nextstroke_kernels_run_here(void) {
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
}

/* For the choice of a token: the first place of the largest logit, that one, and the sum of e^(logit - largest). */
int64_t nextstroke_survey(const float *logits, int64_t n, double *largest, double *total) {
    return kernels()->survey(logits, n, largest, total);
}

/* What a node keeps between calls. `spare` is the scratch memory of the last call, taken and given back whole. */
typedef struct {
    Api api;
    const Kernels *run;
    _Atomic(void *) spare;
    uint8_t *packed; /* weights of a product */
    int64_t n, k, bits, activation, heads, kv_heads;
    float scale, epsilon, alpha;
    int centred, halves;
} Node;

typedef struct {
    size_t size;
    char bytes[];
} Scratch;

static Scratch *take_scratch(Node *node, size_t size) {
    Scratch *scratch = atomic_exchange(&node->spare, NULL);
    if (scratch && scratch->size >= size) return scratch;
    free(scratch);
    scratch = malloc(sizeof(Scratch) + size + 64);
    if (scratch) scratch->size = size;
    return scratch;
}

static void give_back(Node *node, Scratch *scratch) { free(atomic_exchange(&node->spare, scratch)); }

static char *aligned(char *p) { return (char *)(((uintptr_t)p + 63) & ~(uintptr_t)63); }

static int64_t product_of(const int64_t *sizes, size_t length) {
    int64_t product = 1;
    for (size_t i = 0; i < length; i++) product *= sizes[i];
    return product;
}

static Status *sizes_of(Api api, const Value *value, int64_t *sizes, size_t *length) {
    Shape *shape = NULL;
    TRY(value_shape(api, value, &shape));
    Status *status = shape_length(api, shape, length);
    if (!status && *length > 4) status = make_status(api, "an input has more than four dimensions");
    if (!status) status = shape_sizes(api, shape, sizes, *length);
    free_shape(api, shape);
    return status;
}

static Status *input(Node *node, Context *context, size_t index, const void **data, int64_t *sizes, size_t *length) {
    const Value *value = NULL;
    size_t count = 0;
    *data = NULL;
    TRY(input_count_of(node->api, context, &count));
    if (index >= count) return NULL;
    TRY(input_of(node->api, context, index, &value));
    if (!value) return NULL;
    void *found = NULL;
    TRY(value_data(node->api, value, &found));
    *data = found;
    return sizes_of(node->api, value, sizes, length);
}

/* The same, of `count` items if it is there. */
static Status *input_of_count(Node *node, Context *context, size_t index, int64_t count, const void **data) {
    int64_t sizes[4];
    size_t length = 0;
    TRY(input(node, context, index, data, sizes, &length));
    if (*data && product_of(sizes, length) != count) return make_status(node->api, "an input is of another size");
    return NULL;
}

static Status *output(Node *node, Context *context, size_t index, const int64_t *sizes, size_t length, void **data) {
    Value *value = NULL;
    *data = NULL;
    TRY(output_of(node->api, context, index, sizes, length, &value));
    return value ? value_data(node->api, value, data) : NULL;
}

static int64_t rounded_up(int64_t value, int64_t step) { return (value + step - 1) / step * step; }

static void destroy(void *kernel) {
    Node *node = kernel;
    free(atomic_load(&node->spare));
    free(node->packed);
    free(node);
}

static Status *new_node(Api api, void **kernel, Node **node) {
    *node = calloc(1, sizeof(Node));
    if (!*node) return make_status(api, "bad allocation");
    (*node)->api = api;
    (*node)->run = kernels();
    *kernel = *node;
    return NULL;
}

/* ---------------------------------------------------------------- products */

/* A constant input of `count` items. */
static Status *constant(Node *node, const Info *info, size_t index, int64_t count, void **data) {
    const Value *value = NULL;
    int is_constant = 0;
    int64_t sizes[4];
    size_t length = 0;
    TRY(info_constant(node->api, info, index, &is_constant, &value));
    if (!is_constant || !value) return make_status(node->api, "a product whose weights are not constant");
    TRY(sizes_of(node->api, value, sizes, &length));
    if (product_of(sizes, length) != count) return make_status(node->api, "a product whose weights are of another size");
    return value_data(node->api, (Value *)value, data);
}

static Status *read_product(Node *node, const Info *info, int by_column) {
    Api api = node->api;
    void *weights = NULL, *scales = NULL;
    TRY(info_integer(api, info, "N", &node->n));
    TRY(info_integer(api, info, "K", &node->k));
    node->bits = 8;
    if (!by_column) TRY(info_integer(api, info, "bits", &node->bits));
    if (node->k <= 0 || node->k % BLOCK || node->n <= 0 || node->k > INT32_MAX || node->n > INT32_MAX || (node->bits != 4 && node->bits != 8))
        return make_status(api, "a product of unknown layout");
    const int64_t blocks = node->n * (node->k / BLOCK);
    TRY(constant(node, info, 1, by_column ? node->n * node->k : blocks * (BLOCK * node->bits / 8), &weights));
    TRY(constant(node, info, 2, by_column ? node->n : blocks, &scales));
    node->halves = !by_column && node->run->are_halves(scales, blocks);
    const int64_t size = rounded_up(node->n, TILE) / TILE * (node->k / BLOCK) * (node->bits * 64 + (node->halves ? 32 : 64));
    node->packed = aligned_alloc(64, (size_t)rounded_up(size, 64));
    if (!node->packed) return make_status(api, "bad allocation");
    if (by_column) node->run->pack_columns(weights, scales, node->n, node->k, node->packed);
    else node->run->pack_blocks(weights, scales, node->n, node->k, (int)node->bits, node->halves, node->packed);
    Status *missing = info_integer(api, info, "activation", &node->activation);
    if (missing) free_status(api, missing), node->activation = NO_ACTIVATION;
    missing = info_float(api, info, "alpha", &node->alpha);
    if (missing) free_status(api, missing), node->alpha = 0.0f;
    return NULL;
}

static Status *create_product(Api api, const Info *info, void **kernel, int by_column) {
    Node *node;
    TRY(new_node(api, kernel, &node));
    Status *status = read_product(node, info, by_column);
    if (status) destroy(node), *kernel = NULL;
    return status;
}

static Status *create_blocks_product(const Operator *op, Api api, const Info *info, void **kernel) {
    (void)op;
    return create_product(api, info, kernel, 0);
}

static Status *create_columns_product(const Operator *op, Api api, const Info *info, void **kernel) {
    (void)op;
    return create_product(api, info, kernel, 1);
}

typedef struct {
    ProductTask task;
    const Kernels *run;
    int64_t tiles, take;
    _Atomic int64_t next;
} ProductWork;

static void share_of_rows(void *data, size_t share) {
    ProductWork *work = data;
    const int64_t m = work->task.m;
    work->run->quantize_rows(&work->task, m * (int64_t)share / SHARES, m * (int64_t)(share + 1) / SHARES);
}

static void share_of_tiles(void *data, size_t share) {
    (void)share;
    ProductWork *work = data;
    for (;;) {
        const int64_t from = atomic_fetch_add(&work->next, work->take);
        if (from >= work->tiles) return;
        const int64_t to = from + work->take < work->tiles ? from + work->take : work->tiles;
        work->run->product_tiles(&work->task, from, to);
    }
}

static Status *compute_product(void *kernel, Context *context) {
    Node *node = kernel;
    ProductWork work = {.run = node->run};
    ProductTask *task = &work.task;
    int64_t sizes[4];
    size_t length = 0;
    const void *x, *bias, *factor;
    void *y;
    TRY(input(node, context, 0, &x, sizes, &length));
    if (!length || sizes[length - 1] != node->k) return make_status(node->api, "a product of sizes that do not match");
    task->m = product_of(sizes, length - 1);
    TRY(input_of_count(node, context, 3, node->n, &bias));
    TRY(input_of_count(node, context, 4, task->m * node->n, &factor));
    sizes[length - 1] = node->n;
    TRY(output(node, context, 0, sizes, length, &y));
    if (task->m == 0) return NULL;

    task->x = x, task->bias = bias, task->factor = factor, task->y = y, task->packed = node->packed;
    task->activation = (int)node->activation, task->alpha = node->alpha;
    task->n = node->n, task->k = node->k, task->bits = (int)node->bits, task->halves = node->halves;
    Scratch *scratch = take_scratch(node, (size_t)(rounded_up(task->m, 16) * (node->k / BLOCK) * ROW_BYTES));
    if (!scratch) return make_status(node->api, "bad allocation");
    task->rounded = aligned(scratch->bytes);
    work.tiles = rounded_up(node->n, TILE) / TILE;
    work.take = work.tiles / 16 > 0 ? work.tiles / 16 : 1;
    if (work.take > 32) work.take = 32;

    Status *status = NULL;
    if (task->m < 8) node->run->quantize_rows(task, 0, task->m);
    else status = run_parallel(node->api, context, share_of_rows, SHARES, 0, &work);
    if (!status) status = run_parallel(node->api, context, share_of_tiles, SHARES, 0, &work);
    give_back(node, scratch);
    return status;
}

/* ---------------------------------------------------------------- attention */

static Status *create_attention(const Operator *op, Api api, const Info *info, void **kernel) {
    (void)op;
    Node *node;
    TRY(new_node(api, kernel, &node));
    Status *status = info_integer(api, info, "num_heads", &node->heads);
    if (!status) status = info_integer(api, info, "kv_num_heads", &node->kv_heads);
    if (!status && (node->heads <= 0 || node->kv_heads <= 0 || node->heads % node->kv_heads))
        status = make_status(api, "an attention of unknown heads");
    if (status) {
        destroy(node), *kernel = NULL;
        return status;
    }
    Status *missing = info_float(api, info, "scale", &node->scale);
    if (missing) free_status(api, missing), node->scale = 0.0f;
    return NULL;
}

typedef struct {
    AttentionTask task;
    const Kernels *run;
    float *scratch;
    size_t scratch_floats;
    int64_t chunks, items; /* chunks of rows; items = sequences * kv_heads * chunks */
    int alone;             /* one row: it is appended and attends in one go */
    _Atomic int64_t next;
} AttentionWork;

static void share_of_heads(void *data, size_t share, int appending) {
    AttentionWork *work = data;
    const AttentionTask *task = &work->task;
    for (;;) {
        const int64_t next = atomic_fetch_add(&work->next, 1);
        if (next >= work->items) return;
        const int64_t item = work->items - 1 - next; /* the last rows see most, so they begin */
        const int64_t chunk = item / (task->sequences * task->kv_heads), place = item % (task->sequences * task->kv_heads);
        const int64_t sequence = place / task->kv_heads, kv = place % task->kv_heads;
        const int64_t from = chunk * QUERY_ROWS, to = from + QUERY_ROWS < task->rows ? from + QUERY_ROWS : task->rows;
        if (appending || work->alone) work->run->append(task, sequence, kv, from, to);
        if (!appending) work->run->attend(task, sequence, kv, from, to, work->scratch + share * work->scratch_floats);
    }
}

static void share_of_appending(void *data, size_t share) { share_of_heads(data, share, 1); }
static void share_of_attending(void *data, size_t share) { share_of_heads(data, share, 0); }

/* Where past and present are different memory, the past is copied. */
static void keep_past(const AttentionTask *task, const int8_t *past, int8_t *present, int64_t past_capacity) {
    if (past == present) return;
    for (int64_t i = 0; i < task->sequences * task->kv_heads; i++)
        memcpy(present + i * task->capacity * task->head, past + i * past_capacity * task->head,
               (size_t)(task->pasts[i / task->kv_heads] * task->head));
}

/* The head sizes that kernels.h has a loop for. */
static int has_kernel(int64_t head) {
    static const int sizes[] = {16, 32, 64, 80, 96, 128, 256};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
        if (head == sizes[i]) return 1;
    return 0;
}

static Status *compute_attention(void *kernel, Context *context) {
    Node *node = kernel;
    AttentionWork work = {.run = node->run};
    AttentionTask *task = &work.task;
    int64_t sizes[4], cache[4], table[4] = {0}, pasts[MOST_SEQUENCES];
    size_t length = 0, cache_length = 0, table_length = 0;
    const void *packed, *past_keys, *past_values, *lengths, *total, *cosines, *sines, *key_scales, *value_scales;
    void *out, *keys, *values;
    TRY(input(node, context, 0, &packed, sizes, &length));
    TRY(input(node, context, 1, &past_keys, cache, &cache_length));
    TRY(input(node, context, 7, &cosines, table, &table_length));
    task->heads = node->heads, task->kv_heads = node->kv_heads;
    const int64_t all = node->heads + 2 * node->kv_heads;
    if (length != 3 || cache_length != 4 || sizes[2] % all || cache[1] != node->kv_heads || cache[0] != sizes[0] ||
        cache[3] != sizes[2] / all || !has_kernel(cache[3]) || sizes[0] > MOST_SEQUENCES ||
        (cosines && (table_length != 2 || 2 * table[1] > cache[3])))
        return make_status(node->api, "an attention of sizes that do not match");
    TRY(input_of_count(node, context, 2, product_of(cache, 4), &past_values));
    TRY(input_of_count(node, context, 3, sizes[0], &lengths));
    TRY(input_of_count(node, context, 4, 1, &total));
    TRY(input_of_count(node, context, 5, node->kv_heads * cache[3], &key_scales));
    TRY(input_of_count(node, context, 6, node->kv_heads * cache[3], &value_scales));
    TRY(input_of_count(node, context, 8, product_of(table, table_length), &sines));
    if (!sines != !cosines) return make_status(node->api, "a rotation with one table");
    task->sequences = sizes[0], task->rows = sizes[1], task->head = cache[3];
    task->packed = packed, task->cosines = cosines, task->sines = sines, task->half = cosines ? table[1] : 0;
    task->key_scales = key_scales, task->value_scales = value_scales, task->pasts = pasts;
    task->scale = node->scale != 0.0f ? node->scale : 1.0f / __builtin_sqrtf((float)task->head);
    const int64_t wanted = *(const int32_t *)total, past_capacity = cache[2];
    int64_t longest = 0;
    task->capacity = cache[2] < wanted ? wanted : cache[2];
    for (int64_t i = 0; i < task->sequences; i++) {
        pasts[i] = (int64_t)((const int32_t *)lengths)[i] + 1 - task->rows;
        if (pasts[i] < 0 || pasts[i] > past_capacity || pasts[i] + task->rows > task->capacity ||
            (cosines && pasts[i] + task->rows > table[0]))
            return make_status(node->api, "positions that lie outside the cache");
        if (pasts[i] + task->rows > longest) longest = pasts[i] + task->rows;
    }
    cache[2] = task->capacity;
    sizes[2] = task->heads * task->head;
    TRY(output(node, context, 0, sizes, 3, &out));
    TRY(output(node, context, 1, cache, 4, &keys));
    TRY(output(node, context, 2, cache, 4, &values));
    if ((past_keys == keys || past_values == values) && task->capacity != past_capacity)
        return make_status(node->api, "a cache that grows in its own memory");
    task->out = out, task->keys = keys, task->values = values;
    keep_past(task, past_keys, keys, past_capacity);
    keep_past(task, past_values, values, past_capacity);
    if (task->rows == 0 || task->sequences == 0) return NULL;

    const int64_t rows = task->rows < QUERY_ROWS ? task->rows : QUERY_ROWS;
    const int64_t queries = rows * (task->heads / task->kv_heads);
    if (queries > MOST_QUERIES) return make_status(node->api, "too many query heads of one key-value head");
    work.scratch_floats = (size_t)(queries * (rounded_up(longest, TILE) + 2 * rounded_up(task->head, 32)));
    work.alone = task->rows == 1;
    work.chunks = (task->rows + QUERY_ROWS - 1) / QUERY_ROWS;
    work.items = task->sequences * task->kv_heads * work.chunks;
    const int64_t shares = work.items < SHARES ? work.items : SHARES;
    Scratch *scratch = take_scratch(node, (size_t)shares * work.scratch_floats * sizeof(float) + 64);
    if (!scratch) return make_status(node->api, "bad allocation");
    work.scratch = (float *)aligned(scratch->bytes);
    Status *status = NULL;
    if (!work.alone) {
        status = run_parallel(node->api, context, share_of_appending, (size_t)shares, 0, &work);
        atomic_store(&work.next, 0);
    }
    if (!status) status = run_parallel(node->api, context, share_of_attending, (size_t)shares, 0, &work);
    give_back(node, scratch);
    return status;
}

/* ---------------------------------------------------------------- SkipLayerNormalization and its simplified form */

static Status *create_norm(Api api, const Info *info, void **kernel, int centred) {
    Node *node;
    TRY(new_node(api, kernel, &node));
    node->centred = centred;
    Status *missing = info_float(api, info, "epsilon", &node->epsilon);
    if (missing) free_status(api, missing), node->epsilon = 1e-12f;
    return NULL;
}

static Status *create_layer_norm(const Operator *op, Api api, const Info *info, void **kernel) {
    (void)op;
    return create_norm(api, info, kernel, 1);
}

static Status *create_rms_norm(const Operator *op, Api api, const Info *info, void **kernel) {
    (void)op;
    return create_norm(api, info, kernel, 0);
}

typedef struct {
    NormTask task;
    const Kernels *run;
    int64_t rows;
} NormWork;

static void share_of_norms(void *data, size_t share) {
    NormWork *work = data;
    work->run->norm_rows(&work->task, work->rows * (int64_t)share / SHARES, work->rows * (int64_t)(share + 1) / SHARES);
}

static Status *compute_norm(void *kernel, Context *context) {
    Node *node = kernel;
    NormWork work = {.run = node->run};
    NormTask *task = &work.task;
    int64_t sizes[4];
    size_t length = 0;
    const void *x, *skip, *gain, *offset = NULL, *bias;
    void *out, *residual;
    TRY(input(node, context, 0, &x, sizes, &length));
    if (!length || sizes[length - 1] <= 0 || sizes[length - 1] % TILE)
        return make_status(node->api, "a norm over a width that is no multiple of 16");
    task->width = sizes[length - 1];
    work.rows = product_of(sizes, length - 1);
    int64_t skips[4];
    size_t skip_length = 0;
    TRY(input(node, context, 1, &skip, skips, &skip_length));
    TRY(input_of_count(node, context, 2, task->width, &gain));
    if (node->centred) TRY(input_of_count(node, context, 3, task->width, &offset));
    TRY(input_of_count(node, context, node->centred ? 4 : 3, task->width, &bias));
    task->skip_rows = skip_length ? product_of(skips, skip_length - 1) : 0;
    if (!skip_length || skips[skip_length - 1] != task->width || (work.rows && (!task->skip_rows || work.rows % task->skip_rows)))
        return make_status(node->api, "a norm of sizes that do not match");
    TRY(output(node, context, 0, sizes, length, &out));
    TRY(output(node, context, 3, sizes, length, &residual));
    if (work.rows == 0) return NULL;
    if (!residual) return make_status(node->api, "a norm whose sum is not wanted");
    task->x = x, task->skip = skip, task->gain = gain, task->offset = offset, task->bias = bias;
    task->out = out, task->residual = residual, task->epsilon = node->epsilon, task->centred = node->centred;
    if (work.rows * task->width < 32768) {
        node->run->norm_rows(task, 0, work.rows);
        return NULL;
    }
    return run_parallel(node->api, context, share_of_norms, SHARES, 0, &work);
}

/* ---------------------------------------------------------------- the table */

typedef struct {
    Operator face; /* first, so that its address is the description's */
    const char *name;
    size_t inputs, outputs;
    const char *input_types, *output_types; /* f, u (uint8), b (int8), i (int32); in capitals where it may be left out */
} Described;

static int type_of(char letter) {
    switch (letter | 32) {
    case 'f': return FLOAT;
    case 'u': return UINT8;
    case 'b': return INT8;
    case 'i': return INT32;
    default: return ANY;
    }
}

static const Described *described(const Operator *op) { return (const Described *)op; }
static const char *name_of(const Operator *op) { return described(op)->name; }
static const char *provider_of(const Operator *op) { (void)op; return NULL; }
static int type_of_input(const Operator *op, size_t i) { return type_of(described(op)->input_types[i]); }
static int type_of_output(const Operator *op, size_t i) { return type_of(described(op)->output_types[i]); }
static size_t count_inputs(const Operator *op) { return described(op)->inputs; }
static size_t count_outputs(const Operator *op) { return described(op)->outputs; }
static int need_of(char letter) { return letter & 32 ? REQUIRED : OPTIONAL; }
static int need_of_input(const Operator *op, size_t i) { return need_of(described(op)->input_types[i]); }
static int need_of_output(const Operator *op, size_t i) { return need_of(described(op)->output_types[i]); }
static int zero(const Operator *op, size_t i) { (void)op, (void)i; return 0; }
static int one(const Operator *op) { (void)op; return 1; }
static int any_version(const Operator *op) { (void)op; return 0x7fffffff; }

#define FACE(create, run)                                                                                              \
    {.version = API_VERSION, .name = name_of, .provider = provider_of, .input_type = type_of_input,                    \
     .input_count = count_inputs, .output_type = type_of_output, .output_count = count_outputs,                        \
     .destroy_kernel = destroy, .input_need = need_of_input, .output_need = need_of_output, .input_memory = zero,      \
     .variadic_input_least = one, .variadic_input_alike = one, .variadic_output_least = one,                           \
     .variadic_output_alike = one, .create_kernel = create, .compute = run, .first_version = one,                      \
     .last_version = any_version}

static const Described OPERATORS[] = {
    /* x, weights, scales, bias, factor */
    {FACE(create_blocks_product, compute_product), "BlocksProduct", 5, 1, "fufFF", "f"},
    {FACE(create_columns_product, compute_product), "ColumnsProduct", 5, 1, "fbfFF", "f"},
    /* packed, past keys and values, lengths - 1, longest, scales of keys and values, cosines and sines */
    {FACE(create_attention, compute_attention), "CacheAttention", 9, 3, "fbbiiffFF", "fbb"},
    {FACE(create_layer_norm, compute_norm), "SkipLayerNormalization", 5, 4, "fffFF", "fFFf"},
    {FACE(create_rms_norm, compute_norm), "SkipSimplifiedLayerNormalization", 4, 4, "fffF", "fFFf"},
};

/* Called by ONNX Runtime. The domain lives as long as the process. */
Status *RegisterCustomOps(Options *options, const ApiBase *base) {
    Api api = base->get_api(API_VERSION);
    static Domain *domain;
    if (!domain) {
        Domain *made = NULL;
        TRY(make_domain(api, "nextstroke", &made));
        for (size_t i = 0; i < sizeof(OPERATORS) / sizeof(*OPERATORS); i++) TRY(add_operator(api, made, &OPERATORS[i].face));
        domain = made;
    }
    return add_domain(api, options, domain);
}
