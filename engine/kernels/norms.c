/* SkipLayerNormalization and SkipSimplifiedLayerNormalization: two streams added, and the norm of the sum.
 *
 * For: operators.c. Knows: a node's attributes and inputs. Must not know: how a norm is computed (row_kernels.h).
 */
#include "node.h"

static Status *create_norm(Api api, const Info *info, void **kernel, int centred) {
    Node *node;
    TRY(new_node(api, kernel, &node));
    node->centred = centred;
    Status *missing = info_float(api, info, "epsilon", &node->epsilon);
    if (missing) free_status(api, missing), node->epsilon = 1e-12f;
    return NULL;
}

Status *create_layer_norm(const Operator *op, Api api, const Info *info, void **kernel) {
    (void)op;
    return create_norm(api, info, kernel, 1);
}

Status *create_rms_norm(const Operator *op, Api api, const Info *info, void **kernel) {
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

Status *compute_norm(void *kernel, Context *context) {
    Node *node = kernel;
    NormWork work = {.run = node->run};
    NormTask *task = &work.task;
    int64_t sizes[4];
    size_t length = 0;
    const void *x, *skip, *gain, *offset = NULL, *bias;
    void *out, *residual;
    TRY(read_input(node, context, 0, &x, sizes, &length));
    if (!length || sizes[length - 1] <= 0 || sizes[length - 1] % TILE)
        return make_status(node->api, "a norm over a width that is no multiple of 16");
    task->width = sizes[length - 1];
    work.rows = product_of(sizes, length - 1);
    int64_t skips[4];
    size_t skip_length = 0;
    TRY(read_input(node, context, 1, &skip, skips, &skip_length));
    TRY(read_input_of(node, context, 2, task->width, &gain));
    if (node->centred) TRY(read_input_of(node, context, 3, task->width, &offset));
    TRY(read_input_of(node, context, node->centred ? 4 : 3, task->width, &bias));
    task->skip_rows = skip_length ? product_of(skips, skip_length - 1) : 0;
    if (!skip_length || skips[skip_length - 1] != task->width || (work.rows && (!task->skip_rows || work.rows % task->skip_rows)))
        return make_status(node->api, "a norm of sizes that do not match");
    TRY(make_output(node, context, 0, sizes, length, &out));
    TRY(make_output(node, context, 3, sizes, length, &residual));
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
