/* Products of rows in 8 bits with weights in 4 or 8. For: kernels.h, which includes it; see there. */

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
