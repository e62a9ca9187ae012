/* See node.h. */
#include "node.h"

#include <stdlib.h>
#include <string.h>

const Kernels *best_kernels(void) {
    const char *wish = getenv("NEXTSTROKE_KERNELS"); /* library.py says what it may be */
    __builtin_cpu_init();
    if (wish && !strcmp(wish, "avx2")) return &kernels_avx2;
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vnni"))
        return &kernels_avx512;
    return &kernels_avx2;
}

/* The scratch of the last call of any node. Nodes run one after the other, so one is enough; a second session that runs
 * at the same time gets memory of its own. */
static _Atomic(void *) spare;

Scratch *take_scratch(size_t size) {
    Scratch *scratch = atomic_exchange(&spare, NULL);
    if (scratch && scratch->size >= size) return scratch;
    free(scratch);
    scratch = malloc(sizeof(Scratch) + size + 64);
    if (scratch) scratch->size = size;
    return scratch;
}

void give_back(Scratch *scratch) { free(atomic_exchange(&spare, scratch)); }

char *aligned(char *p) { return (char *)(((uintptr_t)p + 63) & ~(uintptr_t)63); }

int64_t product_of(const int64_t *sizes, size_t length) {
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

Status *read_input(Node *node, Context *context, size_t index, const void **data, int64_t *sizes, size_t *length) {
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
Status *read_input_of(Node *node, Context *context, size_t index, int64_t count, const void **data) {
    int64_t sizes[4];
    size_t length = 0;
    TRY(read_input(node, context, index, data, sizes, &length));
    if (*data && product_of(sizes, length) != count) return make_status(node->api, "an input is of another size");
    return NULL;
}

Status *make_output(Node *node, Context *context, size_t index, const int64_t *sizes, size_t length, void **data) {
    Value *value = NULL;
    *data = NULL;
    TRY(output_of(node->api, context, index, sizes, length, &value));
    return value ? value_data(node->api, value, data) : NULL;
}

int64_t rounded_up(int64_t value, int64_t step) { return (value + step - 1) / step * step; }

void destroy_node(void *kernel) {
    Node *node = kernel;
    free(node->packed);
    free(node);
}

Status *new_node(Api api, void **kernel, Node **node) {
    *node = calloc(1, sizeof(Node));
    if (!*node) return make_status(api, "bad allocation");
    (*node)->api = api;
    (*node)->run = best_kernels();
    *kernel = *node;
    return NULL;
}

/* A constant input of `count` items. */
Status *read_constant(Node *node, const Info *info, size_t index, int64_t count, void **data) {
    const Value *value = NULL;
    int is_constant = 0;
    int64_t sizes[4];
    size_t length = 0;
    TRY(info_constant(node->api, info, index, &is_constant, &value));
    if (!is_constant || !value) return make_status(node->api, "weights that are not constant");
    TRY(sizes_of(node->api, value, sizes, &length));
    if (product_of(sizes, length) != count) return make_status(node->api, "weights of another size");
    return value_data(node->api, (Value *)value, data);
}
