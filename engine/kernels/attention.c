/* CacheAttention: GroupQueryAttention of packed queries, keys and values over an int8 cache. Rows that are padded (fewer
 * positions than rows in a sequence of a batch), which that takes, are refused: the engine never sends any.
 *
 * For: operators.c and fused.c. Knows: a step's sizes and inputs, ONNX Runtime's meaning of lengths. Must not know: how
 * attention is computed (attention_kernels.h).
 */
#include "node.h"

#include <string.h>

#define QUERY_ROWS 16    /* rows whose scores are kept at a time */
#define FEW_PIECES 8     /* of work: fewer may leave a thread with half as much to do as another */
#define WORTH_SHARING 64 /* positions that sequences have in common */

static Status *plan_attention(Call *call, const Step *step);

Status *prepare_attention(Api api, const Info *info, Step *step) {
    (void)info;
    step->plan = plan_attention;
    step->results[1] = step->results[2] = INT8;
    if (step->heads <= 0 || step->kv_heads <= 0 || step->heads % step->kv_heads) return make_status(api, "an attention of unknown heads");
    return NULL;
}

/* Some rows of one sequence and one key-value head. */
static void append_some(const Stage *stage, int64_t item, char *scratch) {
    (void)scratch;
    const AttentionTask *task = &stage->attention;
    const int64_t kv = item % task->kv_heads, sequence = item / task->kv_heads % task->sequences;
    const int64_t from = item / task->kv_heads / task->sequences * QUERY_ROWS;
    stage->kernels->append(task, sequence, kv, from, from + QUERY_ROWS < task->rows ? from + QUERY_ROWS : task->rows);
}

/* The same with some of its query heads, or one row of all sequences. */
static void attend_some(const Stage *stage, int64_t item, char *scratch) {
    const AttentionTask *task = &stage->attention;
    int64_t place = stage->items - 1 - item; /* the last rows see most, so they begin */
    AttentionPart part = {.heads = stage->take, .sequences = stage->rows};
    part.head = place % (task->heads / task->kv_heads / stage->take) * stage->take;
    place /= task->heads / task->kv_heads / stage->take;
    part.kv = place % task->kv_heads, place /= task->kv_heads;
    const int64_t groups = task->sequences / stage->rows;
    part.sequence = place % groups, place /= groups;
    part.row = place * QUERY_ROWS;
    part.rows = part.row + QUERY_ROWS < task->rows ? QUERY_ROWS : task->rows - part.row;
    stage->kernels->attend(task, &part, (float *)scratch);
}

/* One row, all query heads: what appends alone may attend at once. */
static void append_and_attend(const Stage *stage, int64_t item, char *scratch) {
    append_some(stage, stage->items - 1 - item, scratch);
    attend_some(stage, item, scratch);
}

/* Where past and present are different memory, the past is copied. */
static void keep_past(const AttentionTask *task, const int8_t *past, int8_t *present, int64_t past_capacity) {
    if (past == present || !past || !present) return;
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

/* Queries, keys and values, and the tables and scales that they are read with. */
static Status *read_constants(Call *call, const Step *step, AttentionTask *task, const Tensor *packed, const Tensor *cache, const Tensor *table) {
    const void *sines, *key_scales, *value_scales;
    const int64_t all = step->heads + 2 * step->kv_heads;
    if (packed->length != 3 || cache->length != 4 || packed->sizes[2] % all || cache->sizes[1] != step->kv_heads ||
        cache->sizes[0] != packed->sizes[0] || cache->sizes[3] != packed->sizes[2] / all || !has_kernel(cache->sizes[3]) ||
        (table->data && (table->length != 2 || 2 * table->sizes[1] > cache->sizes[3])))
        return problem(call, "an attention of sizes that do not match");
    TRY(data_of(call, step, 5, FLOAT, step->kv_heads * cache->sizes[3], &key_scales));
    TRY(data_of(call, step, 6, FLOAT, step->kv_heads * cache->sizes[3], &value_scales));
    TRY(data_of(call, step, 8, FLOAT, product_of(table->sizes, table->length), &sines));
    if (!key_scales || !value_scales) return problem(call, "an attention without its sizes");
    if (!sines != !table->data) return problem(call, "a rotation with one table");
    task->sequences = packed->sizes[0], task->rows = packed->sizes[1], task->head = cache->sizes[3];
    task->heads = step->heads, task->kv_heads = step->kv_heads, task->packed = packed->data;
    task->cosines = table->data, task->sines = sines, task->half = table->data ? table->sizes[1] : 0;
    task->key_scales = key_scales, task->value_scales = value_scales;
    task->scale = step->scale != 0.0f ? step->scale : 1.0f / __builtin_sqrtf((float)task->head);
    return NULL;
}

/* How long each sequence is, and the longest with its new rows. */
static Status *read_lengths(Call *call, const Step *step, AttentionTask *task, int64_t past_capacity, int64_t positions, int64_t *longest) {
    const void *lengths, *total;
    TRY(data_of(call, step, 3, INT32, task->sequences, &lengths));
    TRY(data_of(call, step, 4, INT32, 1, &total));
    if (!lengths || !total) return problem(call, "an attention without its sizes");
    Tensor common;
    TRY(input_of(call, step, 9, INT32, &common));
    int64_t *pasts = numbers_of(call, task->sequences);
    if (!pasts) return problem(call, "an attention of more sequences than rows");
    const int64_t wanted = *(const int32_t *)total;
    task->capacity = past_capacity < wanted ? wanted : past_capacity;
    *longest = 0;
    for (int64_t i = 0; i < task->sequences; i++) {
        pasts[i] = (int64_t)((const int32_t *)lengths)[i] + 1 - task->rows;
        if (pasts[i] < 0 || pasts[i] > past_capacity || pasts[i] + task->rows > task->capacity ||
            (task->cosines && pasts[i] + task->rows > positions))
            return problem(call, "positions that lie outside the cache");
        if (pasts[i] + task->rows > *longest) *longest = pasts[i] + task->rows;
    }
    task->pasts = pasts;
    task->shared = common.data ? *(const int32_t *)common.data : 0;
    for (int64_t i = 0; i < task->sequences; i++)
        if (task->shared < 0 || task->shared > pasts[i]) return problem(call, "more positions in common than a sequence has");
    return NULL;
}

static Status *plan_attention(Call *call, const Step *step) {
    AttentionTask task = {0};
    Tensor packed, cache, past_values, table;
    void *out, *keys, *values;
    int64_t longest = 0;
    TRY(input_of(call, step, 0, FLOAT, &packed));
    TRY(input_of(call, step, 1, INT8, &cache));
    TRY(input_of(call, step, 7, FLOAT, &table));
    TRY(read_constants(call, step, &task, &packed, &cache, &table));
    TRY(input_of(call, step, 2, INT8, &past_values));
    if (!past_values.length || product_of(past_values.sizes, past_values.length) != product_of(cache.sizes, 4))
        return problem(call, "values of another size than keys");
    const int64_t past_capacity = cache.sizes[2];
    TRY(read_lengths(call, step, &task, past_capacity, table.length ? table.sizes[0] : 0, &longest));
    cache.sizes[2] = task.capacity;
    packed.sizes[2] = task.heads * task.head;
    TRY(output_of(call, step, 0, packed.sizes, 3, &out));
    TRY(output_of(call, step, 1, cache.sizes, 4, &keys));
    TRY(output_of(call, step, 2, cache.sizes, 4, &values));
    const int is_empty = task.rows == 0 || task.sequences == 0;
    if (!is_empty && (!out || !keys || !values)) return problem(call, "an attention that nobody wants");
    if ((cache.data == keys || past_values.data == values) && task.capacity != past_capacity)
        return problem(call, "a cache that grows in its own memory");
    task.out = out, task.keys = keys, task.values = values;
    keep_past(&task, cache.data, keys, past_capacity);
    keep_past(&task, past_values.data, values, past_capacity);
    if (is_empty) return NULL;
    const int64_t share = task.heads / task.kv_heads, rows = task.rows < QUERY_ROWS ? task.rows : QUERY_ROWS;
    if (rows * share > MOST_QUERIES) return problem(call, "too many query heads of one key-value head");
    const int64_t chunks = (task.rows + QUERY_ROWS - 1) / QUERY_ROWS, pieces = task.sequences * task.kv_heads * chunks;
    /* Heads go to different threads where there are few others to share out. */
    const int64_t heads = pieces < FEW_PIECES ? 1 : share;
    const int is_together = task.rows == 1 && task.sequences > 1 && task.shared >= WORTH_SHARING && task.sequences * heads <= MOST_QUERIES;
    const int is_one = task.rows == 1 && heads == share && !is_together;
    if (!is_one) add_stage(call, step, append_some, pieces)->attention = task;
    Stage *stage = add_stage(call, step, is_one ? append_and_attend : attend_some, 0);
    stage->attention = task, stage->take = heads, stage->rows = is_together ? task.sequences : 1;
    stage->items = pieces / stage->rows * (share / heads);
    stage->scratch = (size_t)(rows * stage->rows * heads * (rounded_up(longest, TILE) + 2 * rounded_up(task.head, 32))) * sizeof(float);
    return NULL;
}
