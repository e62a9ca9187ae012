/* SkipLayerNormalization and SkipSimplifiedLayerNormalization: two streams added, and the norm of the sum.
 *
 * For: operators.c and fused.c. Knows: a step's sizes and inputs. Must not know: how a norm is computed (row_kernels.h).
 */
#include "node.h"

static Status *plan_norm(Call *call, const Step *step);

Status *prepare_layer_norm(Api api, const Info *info, Step *step) {
    (void)api, (void)info;
    step->plan = plan_norm, step->centred = 1;
    return NULL;
}

Status *prepare_rms_norm(Api api, const Info *info, Step *step) {
    (void)api, (void)info;
    step->plan = plan_norm, step->centred = 0;
    return NULL;
}

static void norm_some(const Stage *stage, int64_t item, char *scratch) {
    (void)scratch;
    stage->kernels->norm_rows(&stage->norm, stage->rows * item / stage->items, stage->rows * (item + 1) / stage->items);
}

static Status *plan_norm(Call *call, const Step *step) {
    Tensor x, skip;
    const void *gain, *offset = NULL, *bias;
    void *out, *residual;
    TRY(input_of(call, step, 0, FLOAT, &x));
    if (!x.length || x.sizes[x.length - 1] <= 0 || x.sizes[x.length - 1] % TILE)
        return problem(call, "a norm over a width that is no multiple of 16");
    const int64_t width = x.sizes[x.length - 1], rows = product_of(x.sizes, x.length - 1);
    TRY(input_of(call, step, 1, FLOAT, &skip));
    TRY(data_of(call, step, 2, FLOAT, width, &gain));
    if (step->centred) TRY(data_of(call, step, 3, FLOAT, width, &offset));
    TRY(data_of(call, step, step->centred ? 4 : 3, FLOAT, width, &bias));
    const int64_t skip_rows = skip.length ? product_of(skip.sizes, skip.length - 1) : 0;
    if (!skip.length || skip.sizes[skip.length - 1] != width || (rows && (!skip_rows || rows % skip_rows)))
        return problem(call, "a norm of sizes that do not match");
    TRY(output_of(call, step, 0, x.sizes, x.length, &out));
    TRY(output_of(call, step, 3, x.sizes, x.length, &residual));
    if (rows == 0) return NULL;
    if (!residual || !out || !gain) return problem(call, "a norm whose sum is not wanted, or without a gain");
    Stage *stage = add_stage(call, step, norm_some, rows * width < 32768 ? 1 : rows < SHARES ? rows : SHARES);
    stage->rows = rows;
    stage->norm = (NormTask){
        .x = x.data, .skip = skip.data, .gain = gain, .offset = offset, .bias = bias, .out = out, .residual = residual,
        .width = width, .skip_rows = skip_rows, .epsilon = step->epsilon, .centred = step->centred,
    };
    return NULL;
}
