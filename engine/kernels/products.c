/* BlocksProduct and ColumnsProduct: x times packed weights, and what follows it in a layer.
 *
 * For: operators.c and fused.c. Knows: a step's sizes and inputs. Must not know: how a product is computed
 * (product_kernels.h).
 */
#include "node.h"

static Status *plan_product(Call *call, const Step *step);

static Status *prepare_product(Api api, const Info *info, Step *step, int by_column) {
    void *weights = NULL, *scales = NULL;
    step->plan = plan_product;
    if (by_column) step->bits = 8;
    if (step->k <= 0 || step->k % BLOCK || step->n <= 0 || step->k > INT32_MAX || step->n > INT32_MAX || (step->bits != 4 && step->bits != 8))
        return make_status(api, "a product of unknown layout");
    const int64_t blocks = step->n * (step->k / BLOCK);
    TRY(read_constant(api, info, step->inputs[1], by_column ? INT8 : UINT8, by_column ? step->n * step->k : blocks * (BLOCK * step->bits / 8), &weights));
    TRY(read_constant(api, info, step->inputs[2], FLOAT, by_column ? step->n : blocks, &scales));
    step->halves = !by_column && step->run->are_halves(scales, blocks);
    const int64_t size = rounded_up(step->n, TILE) / TILE * (step->k / BLOCK) * (step->bits * 64 + (step->halves ? 32 : 64));
    step->packed = take_weights((size_t)size, &step->owner);
    if (!step->packed) return make_status(api, "bad allocation");
    if (by_column) step->run->pack_columns(weights, scales, step->n, step->k, step->packed);
    else step->run->pack_blocks(weights, scales, step->n, step->k, (int)step->bits, step->halves, step->packed);
    return NULL;
}

Status *prepare_blocks_product(Api api, const Info *info, Step *step) { return prepare_product(api, info, step, 0); }

Status *prepare_columns_product(Api api, const Info *info, Step *step) { return prepare_product(api, info, step, 1); }

static void round_rows(const Stage *stage, int64_t item, char *scratch) {
    (void)scratch;
    const int64_t m = stage->product.m;
    stage->kernels->quantize_rows(&stage->product, m * item / stage->items, m * (item + 1) / stage->items);
}

static void multiply_tiles(const Stage *stage, int64_t item, char *scratch) {
    (void)scratch;
    const int64_t tiles = rounded_up(stage->product.n, TILE) / TILE, from = item * stage->take;
    stage->kernels->product_tiles(&stage->product, from, from + stage->take < tiles ? from + stage->take : tiles);
}

static Status *plan_product(Call *call, const Step *step) {
    Tensor x;
    const void *bias, *factor;
    void *y;
    TRY(input_of(call, step, 0, FLOAT, &x));
    if (!x.length || x.sizes[x.length - 1] != step->k) return problem(call, "a product of sizes that do not match");
    const int64_t m = product_of(x.sizes, x.length - 1);
    TRY(data_of(call, step, 3, FLOAT, step->n, &bias));
    TRY(data_of(call, step, 4, FLOAT, m * step->n, &factor));
    x.sizes[x.length - 1] = step->n;
    TRY(output_of(call, step, 0, x.sizes, x.length, &y));
    if (m == 0) return NULL;
    if (!y) return problem(call, "a product that nobody wants");
    const size_t bytes = (size_t)(rounded_up(m, 16) * (step->k / BLOCK) * ROW_BYTES);
    const int is_rounded = has_rounded(call, x.data, m, step->k, step->bits, bytes);

    const ProductTask task = {
        .x = x.data, .bias = bias, .factor = factor, .y = y, .packed = step->packed, .m = m, .n = step->n, .k = step->k,
        .bits = (int)step->bits, .halves = step->halves, .activation = (int)step->activation, .alpha = step->alpha,
    };
    Stage *stage;
    if (!is_rounded) {
        stage = add_stage(call, step, round_rows, m < 8 ? 1 : m < SHARES ? m : SHARES);
        stage->product = task, stage->is_product = 1;
    }
    const int64_t tiles = rounded_up(step->n, TILE) / TILE;
    int64_t take = tiles / 16 > 0 ? tiles / 16 : 1;
    if (take > 32) take = 32;
    stage = add_stage(call, step, multiply_tiles, (tiles + take - 1) / take);
    stage->product = task, stage->is_product = 1;
    stage->take = take;
    return NULL;
}
