/* What the kernels compute, over the sixteen lanes of vectors.h; included once by each instruction set's file.
 *
 * For: operators.c, through the table at the end. Knows: arrays and the arithmetic of the operators they stand for.
 * Must not know: ONNX Runtime, threads, or files.
 *
 * A row of the result depends on its own row of inputs and on the cache, never on how many rows run, which thread runs
 * them or how long a buffer is: each sum has one order, whoever computes it.
 *
 *   products   x (M, K) times 4- or 8-bit blocks of 32 (N, K/32): x is rounded to 8 bits block by block, each block's
 *              product is an exact integer, and y += product * (scale of w * scale of x), block after block
 *   attention  scores, softmax and mixture of one key-value head over an int8 cache, sixteen positions at a time
 *   rows       norms and activations of one row
 */
#include "tasks.h"
#include "vectors.h"

#define BLOCK 32
#define TILE LANES    /* columns that are computed together */
#define MOST_HEAD 256 /* channels of a head */
#define TINY 1e-30f   /* what is no larger counts as zero: divided by it, a step would overflow */
#define AHEAD 24      /* blocks that the weights are fetched ahead: memory answers after a microsecond or so */

/* ---------------------------------------------------------------- products */

/* The weights as they are read, one stream of memory for a tile of sixteen columns:
 *
 *   tiles, blocks:  bits x 64 bytes   vector j: bytes 4 j to 4 j + 3 of the block, of each column
 *                   16 scales         one of each column, in 16 bits where all of a matrix are the same in them
 *
 * Columns that do not exist repeat the last one.
 */
INLINE int64_t block_bytes(const int bits, const int halves) { return bits * 64 + LANES * (halves ? 2 : 4); }

/* A number in 16 bits, and whether it is the same in them. */
INLINE int to_half(float x, uint16_t *half) {
    const __m128i found = _mm_cvtps_ph(_mm_set_ss(x), _MM_FROUND_TO_NEAREST_INT);
    *half = (uint16_t)_mm_extract_epi16(found, 0);
    return _mm_cvtss_f32(_mm_cvtph_ps(found)) == x;
}

static int are_halves(const float *x, int64_t n) {
    uint16_t half;
    for (int64_t i = 0; i < n; i++)
        if (!to_half(x[i], &half)) return 0;
    return 1;
}

static void pack_blocks(const uint8_t *w, const float *scales, int64_t n, int64_t k, int bits, int halves, uint8_t *packed) {
    const int64_t blocks = k / BLOCK, size = block_bytes(bits, halves);
    for (int64_t tile = 0; tile * TILE < n; tile++)
        for (int64_t b = 0; b < blocks; b++, packed += size)
            for (int64_t c = 0; c < TILE; c++) {
                const int64_t column = tile * TILE + c < n ? tile * TILE + c : n - 1;
                const uint8_t *from = w + (column * blocks + b) * bits * 4;
                for (int j = 0; j < bits; j++) memcpy(packed + j * 64 + c * 4, from + j * 4, 4);
                uint16_t half;
                to_half(scales[column * blocks + b], &half);
                if (halves) memcpy(packed + bits * 64 + c * 2, &half, 2);
                else memcpy(packed + bits * 64 + c * 4, scales + column * blocks + b, 4);
            }
}

/* The same for signed integers with one scale a column: their middle is moved to 128. */
static void pack_columns(const int8_t *w, const float *scales, int64_t n, int64_t k, uint8_t *packed) {
    for (int64_t tile = 0; tile * TILE < n; tile++)
        for (int64_t b = 0; b < k / BLOCK; b++, packed += block_bytes(8, 0))
            for (int64_t c = 0; c < TILE; c++) {
                const int64_t column = tile * TILE + c < n ? tile * TILE + c : n - 1;
                for (int64_t i = 0; i < BLOCK; i++)
                    packed[i / 4 * 64 + c * 4 + i % 4] = (uint8_t)(w[(b * BLOCK + i) * n + column] + 128);
                memcpy(packed + 8 * 64 + c * 4, scales + column, 4);
            }
}

/* Rows run in panels of at most PANEL, whose sums stay in registers; the last one is as narrow as it can be. */
INLINE int panel_width(int64_t left) {
    int width = PANEL;
    while (width > 1 && (PANEL == 12 && width == 12 ? 8 : width / 2) >= left) width = width == 12 ? 8 : width / 2;
    return width;
}

/* Rows of x in 8 bits, panel by panel, so that the product reads one stream:
 *
 *   blocks:  8 x width x 4 integers   four values of each row, in the order in which the weights' bits meet them
 *            width integers           - middle of the weights (8 or 128) * sum of the row's block
 *            width floats             largest of the block / 127
 *
 * Bits meet them so: four low nibbles hold values 0, 2, 4, 6, four high ones 1, 3, 5, 7; whole bytes 0, 1, 2, 3.
 */
static void quantize_rows(const ProductTask *t, int64_t from, int64_t to) {
    const int64_t blocks = t->k / BLOCK;
    const __m128i in_pairs = _mm_setr_epi8(0, 2, 4, 6, 1, 3, 5, 7, 8, 10, 12, 14, 9, 11, 13, 15);
    const __m128i shift = _mm_set1_epi8(-128), zero = _mm_setzero_si128();
    for (int64_t m = from; m < to; m++) {
        const float *x = t->x + m * t->k;
        const int64_t panel = m / PANEL * PANEL, r = m - panel;
        const int64_t width = panel_width(t->m - panel);
        uint8_t *out = (uint8_t *)t->rounded + panel * blocks * ROW_BYTES;
        for (int64_t b = 0; b < blocks; b++, x += BLOCK, out += width * ROW_BYTES) {
            const F v0 = f_load(x), v1 = f_load(x + LANES);
            const float most = f_largest(f_max(f_abs(v0), f_abs(v1)));
            const F inverse = f_set(most > TINY ? 127.0f / most : 0.0f);
            __m128i q0 = i8_of_f(f_mul(v0, inverse)), q1 = i8_of_f(f_mul(v1, inverse));
            /* Sums of eight bytes at a time, shifted into the unsigned range by 128. */
            const __m128i s = _mm_add_epi64(_mm_sad_epu8(_mm_xor_si128(q0, shift), zero),
                                            _mm_sad_epu8(_mm_xor_si128(q1, shift), zero));
            const int32_t sum = _mm_cvtsi128_si32(s) + _mm_extract_epi16(s, 4) - 128 * BLOCK;
            const int32_t zeros = -sum * (t->bits == 4 ? 8 : 128);
            const float scale = most / 127.0f;
            if (t->bits == 4) q0 = _mm_shuffle_epi8(q0, in_pairs), q1 = _mm_shuffle_epi8(q1, in_pairs);
            int32_t fours[8];
            _mm_storeu_si128((__m128i *)fours, q0);
            _mm_storeu_si128((__m128i *)fours + 1, q1);
            for (int j = 0; j < 8; j++) memcpy(out + (j * width + r) * 4, fours + j, 4);
            memcpy(out + (8 * width + r) * 4, &zeros, 4);
            memcpy(out + (9 * width + r) * 4, &scale, 4);
        }
    }
}

/* x / (1 + e^-u), with u = alpha x (quick GELU; SiLU at alpha 1) or 2 sqrt(2 / pi) (x + 0.044715 x^3) (GELU's tanh form). */
INLINE F activated(F x, int activation, float alpha) {
    if (activation == NO_ACTIVATION) return x;
    F u = x;
    if (activation == TANH_GELU) u = f_fma(f_mul(f_mul(x, x), x), f_set(0.044715f), x);
    const F slope = f_set(activation == TANH_GELU ? -1.5957691216057308f : -alpha);
    return f_div(x, f_add(f_set(1.0f), f_exp(f_mul(u, slope))));
}

/* Adds the bias, activates, multiplies by the factor, and writes the columns that exist. */
INLINE void finish(const ProductTask *t, F sum, int64_t m, int64_t column) {
    const int64_t left = t->n - column;
    const size_t bytes = sizeof(float) * (size_t)left;
    const float *bias = t->bias ? t->bias + column : 0, *factor = t->factor ? t->factor + m * t->n + column : 0;
    float *y = t->y + m * t->n + column;
    float biases[TILE] = {0}, factors[TILE] = {0}, part[TILE];
    if (left < TILE) {
        if (bias) bias = memcpy(biases, bias, bytes);
        if (factor) factor = memcpy(factors, factor, bytes);
    }
    if (bias) sum = f_add(sum, f_load(bias));
    sum = activated(sum, t->activation, t->alpha);
    if (factor) sum = f_mul(sum, f_load(factor));
    f_store(left < TILE ? part : y, sum);
    if (left < TILE) memcpy(y, part, bytes);
}

/* One panel of rows times one tile of columns: each block's product is an exact integer. */
INLINE void panel_of_tile(const ProductTask *t, int64_t tile, int64_t panel, const int width, const int bits, const int halves) {
    const int64_t blocks = t->k / BLOCK, size = block_bytes(bits, halves);
    const uint8_t *w = t->packed + tile * blocks * size;
    const uint8_t *x = (const uint8_t *)t->rounded + panel * blocks * ROW_BYTES;
    F sums[PANEL];
    UNROLL
    for (int r = 0; r < width; r++) sums[r] = f_set(0.0f);
    for (int64_t b = 0; b < blocks; b++, w += size, x += width * ROW_BYTES) {
        I dots[PANEL];
        UNROLL
        for (int r = 0; r < width; r++) dots[r] = i_set_from(x + (8 * width + r) * 4);
        if (panel == 0)
            for (int64_t line = 0; line < size; line += 64) _mm_prefetch((const char *)(w + AHEAD * size + line), _MM_HINT_T0);
        UNROLL
        for (int j = 0; j < bits; j++) {
            const I v = i_load(w + j * 64);
            if (bits == 4) {
                const I low = i_low_nibbles(v), high = i_high_nibbles(v);
                UNROLL
                for (int r = 0; r < width; r++) dots[r] = i_dot4(dots[r], low, i_set_from(x + (2 * j * width + r) * 4));
                UNROLL
                for (int r = 0; r < width; r++) dots[r] = i_dot4(dots[r], high, i_set_from(x + ((2 * j + 1) * width + r) * 4));
            } else {
                UNROLL
                for (int r = 0; r < width; r++) dots[r] = i_dot8(dots[r], v, i_set_from(x + (j * width + r) * 4));
            }
        }
        const F scale = halves ? f_of_halves(w + bits * 64) : f_load((const float *)(w + bits * 64));
        UNROLL
        for (int r = 0; r < width; r++) {
            float of_row;
            memcpy(&of_row, x + (9 * width + r) * 4, 4);
            sums[r] = f_fma(f_of_i(dots[r]), f_mul(scale, f_set(of_row)), sums[r]);
        }
    }
    UNROLL
    for (int r = 0; r < width; r++)
        if (panel + r < t->m) finish(t, sums[r], panel + r, tile * TILE);
}

INLINE void tile_of(const ProductTask *t, int64_t tile, const int bits, const int halves) {
    for (int64_t panel = 0; panel < t->m; panel += PANEL)
        switch (panel_width(t->m - panel)) {
        case 1: panel_of_tile(t, tile, panel, 1, bits, halves); break;
        case 2: panel_of_tile(t, tile, panel, 2, bits, halves); break;
#if PANEL > 2
        case 4: panel_of_tile(t, tile, panel, 4, bits, halves); break;
        case 8: panel_of_tile(t, tile, panel, 8, bits, halves); break;
        default: panel_of_tile(t, tile, panel, PANEL, bits, halves);
#endif
        }
}

static void product_tiles(const ProductTask *t, int64_t from, int64_t to) {
    for (int64_t tile = from; tile < to; tile++)
        if (t->bits == 4 && t->halves) tile_of(t, tile, 4, 1);
        else if (t->bits == 4) tile_of(t, tile, 4, 0);
        else if (t->halves) tile_of(t, tile, 8, 1);
        else tile_of(t, tile, 8, 0);
}

/* ---------------------------------------------------------------- attention */

/* x rotated by its position: pairs are a channel of the first half and its counterpart (not interleaved). */
static void rotate(const AttentionTask *t, const float *x, int64_t position, float *out) {
    if (!t->cosines) {
        memcpy(out, x, sizeof(float) * (size_t)t->head);
        return;
    }
    const float *cosines = t->cosines + position * t->half, *sines = t->sines + position * t->half;
    for (int64_t i = 0; i < t->half; i++) {
        const float a = x[i], b = x[i + t->half];
        out[i] = a * cosines[i] - b * sines[i];
        out[i + t->half] = b * cosines[i] + a * sines[i];
    }
    memcpy(out + 2 * t->half, x + 2 * t->half, sizeof(float) * (size_t)(t->head - 2 * t->half));
}

/* x / scale to 8 bits, to the nearest, at most 127 in size. */
static void to_cache(const float *x, const float *scales, int64_t head, int8_t *out) {
    const F most = f_set(127.0f), least = f_set(-127.0f);
    for (int64_t i = 0; i < head; i += LANES) {
        F v = f_div(f_load(x + i), f_load(scales + i));
        _mm_storeu_si128((__m128i *)(out + i), i8_of_f(f_max(f_min(v, most), least)));
    }
}

/* The keys and values of rows `from` to `to` of one sequence and key-value head, written where they belong. */
static void append(const AttentionTask *t, int64_t sequence, int64_t kv, int64_t from, int64_t to) {
    const int64_t width = (t->heads + 2 * t->kv_heads) * t->head;
    int8_t *keys = t->keys + (sequence * t->kv_heads + kv) * t->capacity * t->head;
    int8_t *values = t->values + (sequence * t->kv_heads + kv) * t->capacity * t->head;
    float turned[MOST_HEAD];
    for (int64_t s = from; s < to; s++) {
        const int64_t position = t->pasts[sequence] + s;
        const float *row = t->packed + (sequence * t->rows + s) * width;
        rotate(t, row + (t->heads + kv) * t->head, position, turned);
        to_cache(turned, t->key_scales + kv * t->head, t->head, keys + position * t->head);
        to_cache(row + (t->heads + t->kv_heads + kv) * t->head, t->value_scales + kv * t->head, t->head, values + position * t->head);
    }
}

/* A query in 16-bit integers, padded to whole vectors with zeros; returns what one of them is worth. */
static float to_words(const float *x, int64_t head, int64_t padded, int16_t *words) {
    F most = f_set(0.0f);
    for (int64_t i = 0; i < head; i += LANES) most = f_max(most, f_abs(f_load(x + i)));
    const float largest = f_largest(most);
    const F inverse = f_set(largest > TINY ? 32767.0f / largest : 0.0f);
    memset(words + head, 0, sizeof(int16_t) * (size_t)(padded - head));
    for (int64_t i = 0; i < head; i += LANES) i16_store(words + i, i_of_f(f_mul(f_load(x + i), inverse)));
    return largest / 32767.0f;
}

/* Rows `from` to `to` of one sequence over one key-value head: for each of its query heads
 *
 *   q * scale * scale of keys ── to 16 bits ──> scores over the positions up to its own, exact integers, times a float
 *   scores ── softmax ── to 16 bits, 16 positions at a time ──> exact sums of values, times a float, one after the other
 *
 * scratch: floats; of each query: a score for each position, rounded up to 16, and 2 (head rounded up to 32)
 */
INLINE int words_of(const int vectors) { return (vectors + 1) / 2; } /* vectors of 32 16-bit integers */

INLINE void attend_over(const AttentionTask *t, int64_t sequence, int64_t kv, int64_t from, int64_t to, float *scratch, const int vectors) {
    const int pairs = words_of(vectors);
    const int64_t head = vectors * LANES, share = t->heads / t->kv_heads, count = (to - from) * share;
    const int64_t width = (t->heads + 2 * t->kv_heads) * head;
    const int64_t last = t->pasts[sequence] + to; /* positions that the last row sees */
    const int64_t padded = (last + LANES - 1) / LANES * LANES;
    const int8_t *keys = t->keys + (sequence * t->kv_heads + kv) * t->capacity * head;
    const int8_t *values = t->values + (sequence * t->kv_heads + kv) * t->capacity * head;
    const float *key_scales = t->key_scales + kv * head, *value_scales = t->value_scales + kv * head;
    float *scores = scratch, *sums = scores + count * padded;
    int16_t *words = (int16_t *)(sums + count * pairs * 32);
    float worth[MOST_QUERIES];
    uint8_t turned[LANES * MOST_HEAD * 2] __attribute__((aligned(64))); /* (pairs of channels, 16 positions, 2) */

    for (int64_t q = 0; q < count; q++) {
        const int64_t s = from + q / share;
        float query[MOST_HEAD];
        rotate(t, t->packed + (sequence * t->rows + s) * width + (kv * share + q % share) * head, t->pasts[sequence] + s, query);
        for (int64_t i = 0; i < head; i += LANES)
            f_store(query + i, f_mul(f_mul(f_load(query + i), f_set(t->scale)), f_load(key_scales + i)));
        worth[q] = to_words(query, head, pairs * 32, words + q * pairs * 32);
    }
    for (int64_t start = 0; start < last; start += LANES) {
        const int64_t there = last - start < LANES ? last - start : LANES;
        const int8_t *key[LANES];
        for (int i = 0; i < LANES; i++) key[i] = keys + (start + (i < there ? i : there - 1)) * head;
        for (int64_t line = 0; line < LANES * head; line += 64) _mm_prefetch((const char *)(keys + (start + 3 * LANES) * head + line), _MM_HINT_T0);
        const int is_turned = count >= FROM_QUERIES;
        if (is_turned)
            UNROLL
            for (int j = 0; j < pairs; j++) {
                I v[LANES];
                UNROLL
                for (int i = 0; i < LANES; i++)
                    v[i] = vectors % 2 && j == pairs - 1 ? i_words_of_half(key[i] + j * 32) : i_words_of_i8(key[i] + j * 32);
                i_transpose(v, turned + j * 16 * 64, 64);
            }
        for (int64_t q = 0; q < count; q++) {
            if (start > t->pasts[sequence] + from + q / share) continue; /* all of them lie behind this row */
            const int16_t *query = words + q * pairs * 32;
            I sum;
            if (is_turned) {
                I part[4] = {i_zero(), i_zero(), i_zero(), i_zero()};
                UNROLL
                for (int j = 0; j < pairs * 16; j++)
                    part[j % 4] = i_dot_words(part[j % 4], i_load(turned + j * 64), i_set_from(query + 2 * j));
                sum = i_add(i_add(part[0], part[1]), i_add(part[2], part[3]));
            } else {
                I dots[LANES];
                UNROLL
                for (int i = 0; i < LANES; i++) {
                    dots[i] = i_zero();
                    UNROLL
                    for (int j = 0; j < pairs; j++) {
                        const int is_half = vectors % 2 && j == pairs - 1;
                        const I v = is_half ? i_words_of_half(key[i] + j * 32) : i_words_of_i8(key[i] + j * 32);
                        dots[i] = i_dot_words(dots[i], v, i_load(query + j * 32));
                    }
                }
                sum = i_sums(dots);
            }
            f_store(scores + q * padded + start, f_mul(f_of_i(sum), f_set(worth[q])));
        }
    }
    for (int64_t q = 0; q < count; q++) {
        float *row = scores + q * padded;
        const int64_t seen = t->pasts[sequence] + from + q / share + 1, end = (seen + LANES - 1) / LANES * LANES;
        for (int64_t i = seen; i < end; i++) row[i] = row[seen - 1];
        F most = f_load(row);
        for (int64_t i = LANES; i < end; i += LANES) most = f_max(most, f_load(row + i));
        const F largest = f_set(f_largest(most));
        F total = f_set(0.0f);
        for (int64_t i = 0; i < end; i += LANES) {
            f_store(row + i, f_exp(f_sub(f_load(row + i), largest)));
            if (i + LANES > seen) memset(row + seen, 0, sizeof(float) * (size_t)(end - seen));
            total = f_add(total, f_load(row + i));
        }
        /* Each sixteen weights become 16-bit integers of their own unit, which takes the place of the first of them. */
        const F inverse = f_set(1.0f / f_sum(total));
        for (int64_t i = 0; i < end; i += LANES) {
            const F weights = f_mul(f_load(row + i), inverse);
            const float largest_here = f_largest(weights);
            int16_t *integers = (int16_t *)(row + i);
            i16_store(integers, i_of_f(f_mul(weights, f_set(largest_here > TINY ? 32767.0f / largest_here : 0.0f))));
            row[i + 8] = largest_here / 32767.0f;
        }
    }
    memset(sums, 0, sizeof(float) * (size_t)(count * pairs * 32));
    for (int64_t start = 0; start < last; start += LANES) {
        const int64_t there = last - start < LANES ? last - start : LANES;
        const int8_t *value[LANES];
        for (int i = 0; i < LANES; i++) value[i] = values + (start + (i < there ? i : there - 1)) * head; /* weight 0 */
        for (int64_t line = 0; line < LANES * head; line += 64) _mm_prefetch((const char *)(values + (start + 3 * LANES) * head + line), _MM_HINT_T0);
        UNROLL
        for (int j = 0; j < pairs; j++) {
            I low[LANES / 2], high[LANES / 2];
            UNROLL
            for (int i = 0; i < LANES / 2; i++) {
                const int is_half = vectors % 2 && j == pairs - 1;
                const I a = is_half ? i_words_of_half(value[2 * i] + j * 32) : i_words_of_i8(value[2 * i] + j * 32);
                const I b = is_half ? i_words_of_half(value[2 * i + 1] + j * 32) : i_words_of_i8(value[2 * i + 1] + j * 32);
                i_pairs(a, b, low + i, high + i);
            }
            for (int64_t q = 0; q < count; q++) {
                if (start > t->pasts[sequence] + from + q / share) continue;
                const float *weights = scores + q * padded + start;
                float *sum = sums + (q * pairs + j) * 32;
                I first = i_zero(), second = i_zero();
                UNROLL
                for (int i = 0; i < LANES / 2; i++) {
                    const I two = i_set_from(weights + i);
                    first = i_dot_words(first, low[i], two);
                    second = i_dot_words(second, high[i], two);
                }
                const F unit = f_set(weights[8]);
                f_store(sum, f_fma(f_of_i(first), unit, f_load(sum)));
                f_store(sum + LANES, f_fma(f_of_i(second), unit, f_load(sum + LANES)));
            }
        }
    }
    for (int64_t q = 0; q < count; q++) {
        const int64_t s = from + q / share;
        float *out = t->out + ((sequence * t->rows + s) * t->heads + kv * share + q % share) * head;
        /* i_pairs left the channels in groups of four: of each eight the first four, then the others. */
        for (int64_t i = 0; i < head; i++)
            out[i] = sums[q * pairs * 32 + i / 32 * 32 + i % 8 / 4 * 16 + i % 32 / 8 * 4 + i % 4] * value_scales[i];
    }
}

static void attend(const AttentionTask *t, int64_t sequence, int64_t kv, int64_t from, int64_t to, float *scratch) {
    switch (t->head / LANES) {
#define CASE(vectors) \
    case vectors: attend_over(t, sequence, kv, from, to, scratch, vectors); break;
        CASE(1) CASE(2) CASE(4) CASE(5) CASE(6) CASE(8) CASE(16)
#undef CASE
    }
}

/* ---------------------------------------------------------------- rows */

/* residual = x + skip (+ bias); out = residual, normalised, times the gain (+ offset). Width: whole vectors. */
static void norm_rows(const NormTask *t, int64_t from, int64_t to) {
    const float share = 1.0f / (float)t->width;
    for (int64_t m = from; m < to; m++) {
        const float *x = t->x + m * t->width, *skip = t->skip + m % t->skip_rows * t->width;
        float *residual = t->residual + m * t->width, *out = t->out + m * t->width;
        F sum = f_set(0.0f), squares = f_set(0.0f);
        for (int64_t i = 0; i < t->width; i += LANES) {
            F v = f_add(f_load(x + i), f_load(skip + i));
            if (t->bias) v = f_add(v, f_load(t->bias + i));
            f_store(residual + i, v);
            sum = f_add(sum, v);
        }
        const F mean = f_set(t->centred ? f_sum(sum) * share : 0.0f);
        for (int64_t i = 0; i < t->width; i += LANES) {
            const F v = f_sub(f_load(residual + i), mean);
            squares = f_fma(v, v, squares);
        }
        const float spread = f_sum(squares) * share + t->epsilon;
        const F inverse = f_set(1.0f / _mm_cvtss_f32(_mm_sqrt_ss(_mm_set_ss(spread))));
        for (int64_t i = 0; i < t->width; i += LANES) {
            F v = f_mul(f_mul(f_sub(f_load(residual + i), mean), inverse), f_load(t->gain + i));
            if (t->offset) v = f_add(v, f_load(t->offset + i));
            f_store(out + i, v);
        }
    }
}

/* ---------------------------------------------------------------- logits */

/* The largest of n numbers, its first place, and the sum of e^(x - largest) in 64 bits; NaN and place -1 if one is. */
static int64_t survey(const float *x, int64_t n, double *largest, double *total) {
    const int64_t whole = n / LANES * LANES;
    float rest[LANES], sums[LANES];
    for (int64_t i = 0; i < LANES; i++) rest[i] = whole + i < n ? x[whole + i] : -__builtin_inff();
    F most = f_load(rest);
    int is_nan = f_any_nan(most);
    for (int64_t i = 0; i < whole; i += LANES) {
        const F v = f_load(x + i);
        is_nan |= f_any_nan(v);
        most = f_max(most, v);
    }
    const float highest = f_largest(most);
    *largest = is_nan ? (double)__builtin_nanf("") : highest;
    *total = *largest;
    if (is_nan || !(highest > -__builtin_inff() && highest < __builtin_inff())) return is_nan ? -1 : 0;
    double sum = 0;
    int64_t place = -1;
    for (int64_t i = 0; i <= whole; i += 64 * LANES) {
        /* A thousand of them in 32 bits are exact enough, and then in 64. */
        F part = f_set(0.0f);
        const int64_t end = i + 64 * LANES < whole ? i + 64 * LANES : whole;
        F near = f_set(-__builtin_inff());
        for (int64_t j = i; j < end; j += LANES) {
            const F v = f_load(x + j);
            near = f_max(near, v);
            part = f_add(part, f_exp(f_sub(v, f_set(highest))));
        }
        if (place < 0 && f_largest(near) == highest)
            for (place = i; x[place] != highest;) place++;
        f_store(sums, part);
        for (int j = 0; j < LANES; j++) sum += sums[j];
    }
    f_store(sums, f_exp(f_sub(f_load(rest), f_set(highest))));
    for (int64_t j = whole; j < n; j++) {
        sum += sums[j - whole];
        if (place < 0 && x[j] == highest) place = j;
    }
    *total = sum;
    return place;
}

const Kernels KERNELS = {are_halves, pack_blocks, pack_columns, quantize_rows, product_tiles, append, attend, norm_rows, survey};
