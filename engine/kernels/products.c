/* BlocksProduct and ColumnsProduct: x times packed weights, and what follows it in a layer.
 *
 * For: operators.c. Knows: a node's attributes and inputs. Must not know: how a product is computed (product_kernels.h).
 */
#include "node.h"

#include <stdlib.h>

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
    TRY(read_constant(node, info, 1, by_column ? node->n * node->k : blocks * (BLOCK * node->bits / 8), &weights));
    TRY(read_constant(node, info, 2, by_column ? node->n : blocks, &scales));
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
    if (status) destroy_node(node), *kernel = NULL;
    return status;
}

Status *create_blocks_product(const Operator *op, Api api, const Info *info, void **kernel) {
    (void)op;
    return create_product(api, info, kernel, 0);
}

Status *create_columns_product(const Operator *op, Api api, const Info *info, void **kernel) {
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

Status *compute_product(void *kernel, Context *context) {
    Node *node = kernel;
    ProductWork work = {.run = node->run};
    ProductTask *task = &work.task;
    int64_t sizes[4];
    size_t length = 0;
    const void *x, *bias, *factor;
    void *y;
    TRY(read_input(node, context, 0, &x, sizes, &length));
    if (!length || sizes[length - 1] != node->k) return make_status(node->api, "a product of sizes that do not match");
    task->m = product_of(sizes, length - 1);
    TRY(read_input_of(node, context, 3, node->n, &bias));
    TRY(read_input_of(node, context, 4, task->m * node->n, &factor));
    sizes[length - 1] = node->n;
    TRY(make_output(node, context, 0, sizes, length, &y));
    if (task->m == 0) return NULL;

    task->x = x, task->bias = bias, task->factor = factor, task->y = y, task->packed = node->packed;
    task->activation = (int)node->activation, task->alpha = node->alpha;
    task->n = node->n, task->k = node->k, task->bits = (int)node->bits, task->halves = node->halves;
    Scratch *scratch = take_scratch((size_t)(rounded_up(task->m, 16) * (node->k / BLOCK) * ROW_BYTES));
    if (!scratch) return make_status(node->api, "bad allocation");
    task->rounded = aligned(scratch->bytes);
    work.tiles = rounded_up(node->n, TILE) / TILE;
    work.take = work.tiles / 16 > 0 ? work.tiles / 16 : 1;
    if (work.take > 32) work.take = 32;

    Status *status = NULL;
    if (task->m < 8) node->run->quantize_rows(task, 0, task->m);
    else status = run_parallel(node->api, context, share_of_rows, SHARES, 0, &work);
    if (!status) status = run_parallel(node->api, context, share_of_tiles, SHARES, 0, &work);
    give_back(scratch);
    return status;
}
