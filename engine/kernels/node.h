/* What the operators share: steps and what they read, and pieces of work for the pool.
 *
 * For: the files of operators. Knows: ONNX Runtime's C interface. Must not know: what any operator computes.
 *
 * A node runs one step, or, fused, several in a row. A call plans all of its steps first, each as stages, and then the
 * threads of the pool go through the stages together:
 *
 *   plan ── step ── step ── …      where inputs and outputs lie, which sizes they have; nothing is computed yet
 *   run  ── stage ── stage ── …    pieces that threads take one after the other, whoever is free; the next stage begins
 *                                  when all pieces are done
 *
 * Which thread takes which piece changes nothing in the result. A thread that comes late finds the stages it missed done,
 * so one alone gets to the end as well: no stage waits for a thread that has not begun.
 */
#ifndef NODE_H
#define NODE_H

#include "runtime_api.h"
#include "tasks.h"

#include <stdatomic.h>

#define KERNELS_VERSION 2 /* as in library.py */
#define SHARES 64 /* pieces that long loops are cut into, and the most threads of a call */
#define MOST_INPUTS 10
#define MOST_OUTPUTS 4
/* Places of tensors: a node's inputs from 0 on, its outputs, what is only between its steps; and nothing. */
#define OUTPUTS 2048
#define INNER 4096
#define NOTHING -1
#define FLOAT_OUTPUTS 4 /* of a node of several steps come first, then those in 8 bits */
#define MOST_NODE_OUTPUTS 20

#define TRY(call)                        \
    do {                                 \
        Status *status_ = (call);        \
        if (status_) return status_;     \
    } while (0)

typedef struct Step Step;
typedef struct Stage Stage;
typedef struct Call Call;
typedef struct Chunk Chunk;

/* What a kernel keeps of one operator between calls. */
struct Step {
    Status *(*plan)(Call *, const Step *);
    const Kernels *run;
    int inputs[MOST_INPUTS], outputs[MOST_OUTPUTS]; /* places */
    int results[MOST_OUTPUTS];                      /* the type of each output's elements */
    uint8_t *packed; /* weights of a product, */
    Chunk *owner;    /* and who frees them */
    int64_t n, k, bits, activation, heads, kv_heads;
    float scale, epsilon, alpha;
    int centred, halves;
};

/* Where a tensor lies, its sizes, four at most; no data where it was left out. */
typedef struct {
    void *data;
    int type; /* of its elements: FLOAT, INT8, … */
    int64_t sizes[4];
    size_t length;
} Tensor;

/* Work on one task: `items` pieces. */
struct Stage {
    void (*run)(const Stage *, int64_t item, char *scratch);
    const Kernels *kernels;
    int64_t items, take, rows; /* `take`, `rows`: what `run` makes pieces of */
    size_t scratch;            /* bytes of each thread's own */
    int is_product;            /* its task reads the rows in 8 bits, which have their place when all is planned */
    union {
        ProductTask product;
        AttentionTask attention;
        NormTask norm;
    };
    _Alignas(64) _Atomic int64_t next;
    _Alignas(64) _Atomic int64_t done;
};

/* An input of a step, which must have elements of `type` if it is there. */
Status *input_of(Call *call, const Step *step, int index, int type, Tensor *tensor);
/* The data of an input of `count` items, if it is there. */
Status *data_of(Call *call, const Step *step, int index, int type, int64_t count, const void **data);
/* An output's memory; NULL where nobody wants it. */
Status *output_of(Call *call, const Step *step, int index, const int64_t *sizes, size_t length, void **data);
/* One more stage, of `items` pieces. */
Stage *add_stage(Call *call, const Step *step, void (*run)(const Stage *, int64_t, char *), int64_t items);
/* Rows of x (m, k) in 8 bits for a product: `bytes` that all stages share, and whether they hold the same already. */
int has_rounded(Call *call, const void *x, int64_t m, int64_t k, int64_t bits, size_t bytes);
/* `count` numbers that last as long as the call, at most one for each row or sequence; NULL where there are too many. */
int64_t *numbers_of(Call *call, int64_t count);
Status *problem(const Call *call, const char *text);

int64_t product_of(const int64_t *sizes, size_t length);
int64_t rounded_up(int64_t value, int64_t step);

/* A constant input of `count` items, when a kernel is made; `place` is a node's input. */
Status *read_constant(Api api, const Info *info, int place, int type, int64_t count, void **data);

/* Memory for packed weights, at a cache line; NULL where there is none. `owner` is given back instead of it. */
void *take_weights(size_t size, Chunk **owner);
void give_weights(Chunk *owner);

/* The kernels that this processor runs best. */
const Kernels *best_kernels(void);

/* The kinds of steps. `prepare` reads their weights; sizes, inputs and outputs are filled in already. */
Status *prepare_blocks_product(Api api, const Info *info, Step *step);
Status *prepare_columns_product(Api api, const Info *info, Step *step);
Status *prepare_attention(Api api, const Info *info, Step *step);
Status *prepare_layer_norm(Api api, const Info *info, Step *step);
Status *prepare_rms_norm(Api api, const Info *info, Step *step);

/* A kernel of `count` steps with `between` tensors between them, to be filled in; `destroy_node` frees it. */
Status *new_node(Api api, size_t count, size_t between, Step **steps, int64_t **widths, void **kernel);
void destroy_node(void *kernel);
Status *compute_node(void *kernel, Context *context);

/* A kernel of one step, by the options of its operator; of several, by their description (fused.c). */
typedef Status *(*Prepare)(Api, const Info *, Step *);
Status *create_single(Api api, const Info *info, Prepare prepare, void **kernel);
Status *create_fused(const Operator *op, Api api, const Info *info, void **kernel);

#endif
