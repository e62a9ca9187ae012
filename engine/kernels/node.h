/* What the operators share: a node's state, its inputs and outputs, scratch memory, and pieces of work for the pool.
 *
 * For: the files of operators. Knows: ONNX Runtime's C interface. Must not know: what any operator computes.
 *
 * Work is shared out in pieces that threads take one after the other, whoever is free; which thread takes which piece
 * changes nothing in the result.
 */
#ifndef NODE_H
#define NODE_H

#include "runtime_api.h"
#include "tasks.h"

#include <stdatomic.h>

#define KERNELS_VERSION 1 /* as in library.py */
#define SHARES 64 /* calls that a loop over the pool is cut into; more than threads, so that all get some */

#define TRY(call)                        \
    do {                                 \
        Status *status_ = (call);        \
        if (status_) return status_;     \
    } while (0)

/* What a node keeps between calls. */
typedef struct {
    Api api;
    const Kernels *run;
    uint8_t *packed; /* weights of a product */
    int64_t n, k, bits, activation, heads, kv_heads;
    float scale, epsilon, alpha;
    int centred, halves;
} Node;

typedef struct {
    size_t size;
    char bytes[];
} Scratch;

/* A new node with the kernels of this processor; `destroy_node` frees it. */
Status *new_node(Api api, void **kernel, Node **node);
void destroy_node(void *kernel);

/* At least `size` bytes, and 64 more to begin at `aligned` ones; NULL where there are none. Given back after each call. */
Scratch *take_scratch(size_t size);
void give_back(Scratch *scratch);
char *aligned(char *p);

int64_t product_of(const int64_t *sizes, size_t length);
int64_t rounded_up(int64_t value, int64_t step);

/* An input's data and its sizes, four at most; data is NULL where it was left out. */
Status *read_input(Node *node, Context *context, size_t index, const void **data, int64_t *sizes, size_t *length);
/* The same, of `count` items if it is there. */
Status *read_input_of(Node *node, Context *context, size_t index, int64_t count, const void **data);
/* A constant input of `count` items, when a kernel is made. */
Status *read_constant(Node *node, const Info *info, size_t index, int64_t count, void **data);
/* An output's memory; NULL where nobody wants it. */
Status *make_output(Node *node, Context *context, size_t index, const int64_t *sizes, size_t length, void **data);

/* The kernels that this processor runs best. */
const Kernels *best_kernels(void);

/* The operators: how a node becomes a kernel, and how that runs. */
Status *create_blocks_product(const Operator *op, Api api, const Info *info, void **kernel);
Status *create_columns_product(const Operator *op, Api api, const Info *info, void **kernel);
Status *create_attention(const Operator *op, Api api, const Info *info, void **kernel);
Status *create_layer_norm(const Operator *op, Api api, const Info *info, void **kernel);
Status *create_rms_norm(const Operator *op, Api api, const Info *info, void **kernel);
Status *compute_product(void *kernel, Context *context);
Status *compute_attention(void *kernel, Context *context);
Status *compute_norm(void *kernel, Context *context);

#endif
