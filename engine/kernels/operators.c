/* Own operators for ONNX Runtime, shaped as those of its domain com.microsoft that they replace: the table of them.
 *
 * For: SessionOptions.register_custom_ops_library, and library.py and survey.py beside it. Knows: how an operator is
 * described to ONNX Runtime. Must not know: graphs, or how anything is computed.
 *
 *   compute ── inputs and outputs as a task ── shared out over the pool's threads ──> kernels
 */
#include "node.h"

int nextstroke_kernels_version(void) { return KERNELS_VERSION; }

/* Whether this processor can run any of them. */
int nextstroke_kernels_run_here(void) {
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
}

/* For the choice of a token: the first place of the largest logit, that one, and the sum of e^(logit - largest). */
int64_t nextstroke_survey(const float *logits, int64_t n, double *largest, double *total) {
    return best_kernels()->survey(logits, n, largest, total);
}

enum { FUSED_INPUTS = 320 }; /* as in fused_nodes.py */

typedef struct {
    Operator face;   /* first, so that its address is the description's */
    Prepare prepare; /* of its one step */
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
static int type_of_fused_input(const Operator *op, size_t i) { (void)op; return i ? ANY : FLOAT; }
static int type_of_fused_output(const Operator *op, size_t i) { (void)op; return i < FLOAT_OUTPUTS ? FLOAT : INT8; }
static int need_of_fused(const Operator *op, size_t i) { (void)op; return i ? OPTIONAL : REQUIRED; }
static int zero(const Operator *op, size_t i) { (void)op, (void)i; return 0; }
static int one(const Operator *op) { (void)op; return 1; }
static int any_version(const Operator *op) { (void)op; return 0x7fffffff; }

static Status *create_one(const Operator *op, Api api, const Info *info, void **kernel) {
    return create_single(api, info, described(op)->prepare, kernel);
}

#define FACE(create, input, output, need, output_need_)                                                                \
    {.version = API_VERSION, .name = name_of, .provider = provider_of, .input_type = input, .input_count = count_inputs, \
     .output_type = output, .output_count = count_outputs, .destroy_kernel = destroy_node, .input_need = need,          \
     .output_need = output_need_, .input_memory = zero, .variadic_input_least = one, .variadic_input_alike = one,       \
     .variadic_output_least = one, .variadic_output_alike = one, .create_kernel = create, .compute = compute_node,      \
     .first_version = one, .last_version = any_version}
#define ONE FACE(create_one, type_of_input, type_of_output, need_of_input, need_of_output)

static const Described OPERATORS[] = {
    /* x, weights, scales, bias, factor */
    {ONE, prepare_blocks_product, "BlocksProduct", 5, 1, "fufFF", "f"},
    {ONE, prepare_columns_product, "ColumnsProduct", 5, 1, "fbfFF", "f"},
    /* packed, past keys and values, lengths - 1, longest, scales of keys and values, cosines and sines, positions in common */
    {ONE, prepare_attention, "CacheAttention", 10, 3, "fbbiiffFFI", "fbb"},
    {ONE, prepare_layer_norm, "SkipLayerNormalization", 5, 4, "fffFF", "fFFf"},
    {ONE, prepare_rms_norm, "SkipSimplifiedLayerNormalization", 4, 4, "fffF", "fFFf"},
    /* several of them, one after the other */
    {FACE(create_fused, type_of_fused_input, type_of_fused_output, need_of_fused, need_of_fused), NULL, "Fused", FUSED_INPUTS,
     MOST_NODE_OUTPUTS, "", ""},
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
