/* CacheAttention: GroupQueryAttention of packed queries, keys and values over an int8 cache. Rows that are padded (fewer
 * positions than rows in a sequence of a batch), which that takes, are refused: the engine never sends any.
 *
 * For: operators.c. Knows: a node's attributes and inputs, ONNX Runtime's meaning of lengths. Must not know: how attention
 * is computed (attention_kernels.h).
 */
#include "node.h"

#include <string.h>

#define QUERY_ROWS 16 /* rows whose scores are kept at a time */
#define MOST_SEQUENCES 1024

Status *create_attention(const Operator *op, Api api, const Info *info, void **kernel) {
    (void)op;
    Node *node;
    TRY(new_node(api, kernel, &node));
    Status *status = info_integer(api, info, "num_heads", &node->heads);
    if (!status) status = info_integer(api, info, "kv_num_heads", &node->kv_heads);
    if (!status && (node->heads <= 0 || node->kv_heads <= 0 || node->heads % node->kv_heads))
        status = make_status(api, "an attention of unknown heads");
    if (status) {
        destroy_node(node), *kernel = NULL;
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

/* The head sizes that attention_kernels.h has a loop for. */
static int has_kernel(int64_t head) {
    static const int sizes[] = {16, 32, 64, 80, 96, 128, 256};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
        if (head == sizes[i]) return 1;
    return 0;
}

Status *compute_attention(void *kernel, Context *context) {
    Node *node = kernel;
    AttentionWork work = {.run = node->run};
    AttentionTask *task = &work.task;
    int64_t sizes[4], cache[4], table[4] = {0}, pasts[MOST_SEQUENCES];
    size_t length = 0, cache_length = 0, table_length = 0;
    const void *packed, *past_keys, *past_values, *lengths, *total, *cosines, *sines, *key_scales, *value_scales;
    void *out, *keys, *values;
    TRY(read_input(node, context, 0, &packed, sizes, &length));
    TRY(read_input(node, context, 1, &past_keys, cache, &cache_length));
    TRY(read_input(node, context, 7, &cosines, table, &table_length));
    task->heads = node->heads, task->kv_heads = node->kv_heads;
    const int64_t all = node->heads + 2 * node->kv_heads;
    if (length != 3 || cache_length != 4 || sizes[2] % all || cache[1] != node->kv_heads || cache[0] != sizes[0] ||
        cache[3] != sizes[2] / all || !has_kernel(cache[3]) || sizes[0] > MOST_SEQUENCES ||
        (cosines && (table_length != 2 || 2 * table[1] > cache[3])))
        return make_status(node->api, "an attention of sizes that do not match");
    TRY(read_input_of(node, context, 2, product_of(cache, 4), &past_values));
    TRY(read_input_of(node, context, 3, sizes[0], &lengths));
    TRY(read_input_of(node, context, 4, 1, &total));
    TRY(read_input_of(node, context, 5, node->kv_heads * cache[3], &key_scales));
    TRY(read_input_of(node, context, 6, node->kv_heads * cache[3], &value_scales));
    TRY(read_input_of(node, context, 8, product_of(table, table_length), &sines));
    if (!lengths || !total || !key_scales || !value_scales) return make_status(node->api, "an attention without its sizes");
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
    TRY(make_output(node, context, 0, sizes, 3, &out));
    TRY(make_output(node, context, 1, cache, 4, &keys));
    TRY(make_output(node, context, 2, cache, 4, &values));
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
    Scratch *scratch = take_scratch((size_t)shares * work.scratch_floats * sizeof(float) + 64);
    if (!scratch) return make_status(node->api, "bad allocation");
    work.scratch = (float *)aligned(scratch->bytes);
    Status *status = NULL;
    if (!work.alone) {
        status = run_parallel(node->api, context, share_of_appending, (size_t)shares, 0, &work);
        atomic_store(&work.next, 0);
    }
    if (!status) status = run_parallel(node->api, context, share_of_attending, (size_t)shares, 0, &work);
    give_back(scratch);
    return status;
}
