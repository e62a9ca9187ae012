/* The part of ONNX Runtime's C interface that own operators need, by position: its wheel brings no header.
 *
 * For: the files of operators. Knows: layouts that ONNX Runtime promises never to change (functions keep their place in the table;
 * a structure says by its version how much of it there is). Sources: include/onnxruntime/core/session/onnxruntime_c_api.h,
 * versions 1.17 to 1.32. Must not know: what the operators compute.
 */
#ifndef RUNTIME_API_H
#define RUNTIME_API_H

#include <stddef.h>
#include <stdint.h>

#define API_VERSION 17 /* the first one with everything below */

typedef struct Status Status; /* NULL where all is well */
typedef struct Value Value;   /* a tensor */
typedef struct Info Info;     /* a node, when its kernel is made */
typedef struct Context Context; /* one call of a kernel */
typedef struct Shape Shape;
typedef struct Domain Domain;
typedef struct Options Options;
typedef const void *const *Api; /* the table of functions */

typedef struct {
    Api (*get_api)(uint32_t version);
    const char *(*version)(void);
} ApiBase;

enum { ANY = 0, FLOAT = 1, UINT8 = 2, INT8 = 3, INT32 = 6 }; /* element types */
enum { REQUIRED = 0, OPTIONAL = 1 };
enum { FAIL = 1 };

typedef struct Operator Operator;
struct Operator {
    uint32_t version;
    void *(*create_kernel_v1)(const Operator *, Api, const Info *);
    const char *(*name)(const Operator *);
    const char *(*provider)(const Operator *);
    int (*input_type)(const Operator *, size_t);
    size_t (*input_count)(const Operator *);
    int (*output_type)(const Operator *, size_t);
    size_t (*output_count)(const Operator *);
    void (*compute_v1)(void *, Context *);
    void (*destroy_kernel)(void *);
    int (*input_need)(const Operator *, size_t);
    int (*output_need)(const Operator *, size_t);
    int (*input_memory)(const Operator *, size_t);
    int (*variadic_input_least)(const Operator *);
    int (*variadic_input_alike)(const Operator *);
    int (*variadic_output_least)(const Operator *);
    int (*variadic_output_alike)(const Operator *);
    Status *(*create_kernel)(const Operator *, Api, const Info *, void **);
    Status *(*compute)(void *, Context *);
    Status *(*output_shape)(const Operator *, void *);
    int (*first_version)(const Operator *);
    int (*last_version)(const Operator *);
};

#define CALL(api, place, result, ...) ((result(*)(__VA_ARGS__))(uintptr_t)(api)[place])

#define make_status(api, text) CALL(api, 0, Status *, int, const char *)(FAIL, text)
#define value_data(api, value, out) CALL(api, 51, Status *, const Value *, void **)(value, out)
#define shape_type(api, shape, out) CALL(api, 60, Status *, const Shape *, int *)(shape, out)
#define shape_length(api, shape, out) CALL(api, 61, Status *, const Shape *, size_t *)(shape, out)
#define shape_sizes(api, shape, out, length) CALL(api, 62, Status *, const Shape *, int64_t *, size_t)(shape, out, length)
#define value_shape(api, value, out) CALL(api, 65, Status *, const Value *, Shape **)(value, out)
#define info_float(api, info, name, out) CALL(api, 85, Status *, const Info *, const char *, float *)(info, name, out)
#define info_integer(api, info, name, out) CALL(api, 86, Status *, const Info *, const char *, int64_t *)(info, name, out)
#define info_text(api, info, name, out, size) CALL(api, 87, Status *, const Info *, const char *, char *, size_t *)(info, name, out, size)
#define call_input_count(api, context, out) CALL(api, 88, Status *, const Context *, size_t *)(context, out)
#define call_input(api, context, index, out) CALL(api, 90, Status *, const Context *, size_t, const Value **)(context, index, out)
#define call_output(api, context, index, sizes, length, out) \
    CALL(api, 91, Status *, Context *, size_t, const int64_t *, size_t, Value **)(context, index, sizes, length, out)
#define free_status(api, status) CALL(api, 93, void, Status *)(status)
#define free_shape(api, shape) CALL(api, 99, void, Shape *)(shape)
#define make_domain(api, name, out) CALL(api, 26, Status *, const char *, Domain **)(name, out)
#define add_operator(api, domain, op) CALL(api, 27, Status *, Domain *, const Operator *)(domain, op)
#define add_domain(api, options, domain) CALL(api, 28, Status *, Options *, Domain *)(options, domain)
#define info_constant(api, info, index, is_constant, out) \
    CALL(api, 249, Status *, const Info *, size_t, int *, const Value **)(info, index, is_constant, out)
#define run_parallel(api, context, function, total, batches, data) \
    CALL(api, 274, Status *, const Context *, void (*)(void *, size_t), size_t, size_t, void *)(context, function, total, batches, data)

#endif
