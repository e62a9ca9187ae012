/* Attention over an int8 cache: positions appended, and rows that attend. For: kernels.h, which includes it; see there. */

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

INLINE int words_of(const int vectors) { return (vectors + 1) / 2; } /* vectors of 32 16-bit integers */

/* Rows `from` to `to` of one sequence over one key-value head: for each of its query heads
 *
 *   q * scale * scale of keys ── to 16 bits ──> scores over the positions up to its own, exact integers, times a float
 *   scores ── softmax ── to 16 bits, 16 positions at a time ──> exact sums of values, times a float, one after the other
 *
 * scratch: floats; of each query: a score for each position, rounded up to 16, and 2 (head rounded up to 32)
 */
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
