/* What an operator hands to the kernels: sizes and where the arrays lie. Floats are 32 bits, arrays dense, rows last. */
#ifndef TASKS_H
#define TASKS_H

#include <stdint.h>

#define BLOCK 32         /* weights that share a scale */
#define TILE 16          /* columns that are computed together, a lane each */
#define ROW_BYTES 40     /* of 32 values in 8 bits, with a scale and a sum */
#define MOST_QUERIES 512 /* of one key-value head that attend at a time */

enum { NO_ACTIVATION, TANH_GELU, SIGMOID_GELU };

typedef struct {
    const float *x, *bias;  /* (M, K); (N) or none */
    const float *factor;    /* (M, N), multiplies the result; or none */
    const uint8_t *packed;  /* weights as pack_blocks or pack_columns wrote them */
    float *y;               /* (M, N) */
    void *rounded;          /* x in 8 bits: (M rounded up to 16, K / 32, ROW_BYTES) */
    int64_t m, n, k;
    int bits;
    int halves; /* whether the scales are packed in 16 bits */
    int activation;
    float alpha;
} ProductTask;

typedef struct {
    const float *packed;                    /* (sequences, rows, (heads + 2 kv_heads) head): queries, keys, values */
    const float *cosines, *sines;           /* (positions, half), or none */
    const float *key_scales, *value_scales; /* (kv_heads, head) */
    const int64_t *pasts;                   /* (sequences): positions in the cache before these rows */
    int8_t *keys, *values;                  /* (sequences, kv_heads, capacity, head) */
    float *out;                             /* (sequences, rows, heads head) */
    int64_t sequences, rows, heads, kv_heads, head, half, capacity;
    int64_t shared; /* positions that all sequences have in common */
    float scale;
} AttentionTask;

/* Some query heads of one key-value head, of some rows of a sequence or one row of several sequences. */
typedef struct {
    int64_t kv, head, heads, sequence, sequences, row, rows;
} AttentionPart;

typedef struct {
    const float *x, *skip, *bias, *gain, *offset; /* (rows, width), (skip_rows, width); (width), bias and offset or none */
    float *out, *residual;
    int64_t width, skip_rows; /* skip begins anew when its rows are used up: the same for each sequence */
    float epsilon;
    int centred; /* whether the mean is taken off (LayerNorm) or not (RMSNorm) */
} NormTask;

typedef struct {
    int (*are_halves)(const float *x, int64_t n); /* whether all are the same numbers in 16 bits */
    /* packed: (N rounded up to 16) / 16 * (K / 32) * (64 bits + 64, or + 32 with scales in 16 bits) bytes
     * blocks: w (N, K / 32, 16 bytes of 4 bits or 32 of 8), the middle 8 or 128; scales (N, K / 32)
     * columns: w (K, N) signed; scales (N) */
    void (*pack_blocks)(const uint8_t *w, const float *scales, int64_t n, int64_t k, int bits, int halves, uint8_t *packed);
    void (*pack_columns)(const int8_t *w, const float *scales, int64_t n, int64_t k, uint8_t *packed);
    void (*quantize_rows)(const ProductTask *, int64_t from, int64_t to);
    void (*product_tiles)(const ProductTask *, int64_t from, int64_t to);
    void (*append)(const AttentionTask *, int64_t sequence, int64_t kv_head, int64_t from, int64_t to);
    /* scratch: floats; of each query a score for each position, rounded up to 16, and 2 (head rounded up to 32) */
    void (*attend)(const AttentionTask *, const AttentionPart *, float *scratch);
    void (*norm_rows)(const NormTask *, int64_t from, int64_t to);
    int64_t (*survey)(const float *x, int64_t n, double *largest, double *total);
} Kernels;

extern const Kernels kernels_avx2, kernels_avx512;

#endif
