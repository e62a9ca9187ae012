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

/* The queries of one part, while they are worked on. A score for each position they see, rounded up to 16; of a query
 * padded to whole vectors its words, and then its sums. */
typedef struct {
    int64_t count, padded;
    float *scores, *sums;
    int16_t *words;
    float worth[MOST_QUERIES]; /* of one unit of a word */
    int64_t seen[MOST_QUERIES]; /* positions */
} Queries;

/* Query `q` of a part: its row among all rows of the task, and its head among all heads. */
INLINE int64_t sequence_of(const AttentionPart *p, int64_t q) { return p->sequence + q / (p->rows * p->heads); }
INLINE int64_t row_of(const AttentionPart *p, int64_t q) { return p->row + q / p->heads % p->rows; }
INLINE int64_t head_of(const AttentionTask *t, const AttentionPart *p, int64_t q) {
    return p->kv * (t->heads / t->kv_heads) + p->head + q % p->heads;
}

static void read_queries(const AttentionTask *t, const AttentionPart *p, Queries *queries, float *scratch, int64_t pairs) {
    const int64_t head = t->head, width = (t->heads + 2 * t->kv_heads) * head;
    const float *key_scales = t->key_scales + p->kv * head;
    int64_t most = 0;
    queries->count = p->sequences * p->rows * p->heads;
    for (int64_t q = 0; q < queries->count; q++) {
        queries->seen[q] = t->pasts[sequence_of(p, q)] + row_of(p, q) + 1;
        if (queries->seen[q] > most) most = queries->seen[q];
    }
    queries->padded = (most + LANES - 1) / LANES * LANES;
    queries->scores = scratch;
    queries->sums = scratch + queries->count * queries->padded;
    queries->words = (int16_t *)(queries->sums + queries->count * pairs * 32);
    for (int64_t q = 0; q < queries->count; q++) {
        const int64_t row = sequence_of(p, q) * t->rows + row_of(p, q);
        float query[MOST_HEAD];
        rotate(t, t->packed + row * width + head_of(t, p, q) * head, queries->seen[q] - 1, query);
        for (int64_t i = 0; i < head; i += LANES)
            f_store(query + i, f_mul(f_mul(f_load(query + i), f_set(t->scale)), f_load(key_scales + i)));
        queries->worth[q] = to_words(query, head, pairs * 32, queries->words + q * pairs * 32);
    }
}

/* Sixteen positions from `start` on; those that do not exist repeat the last one. */
INLINE void find_positions(const int8_t *cache, int64_t start, int64_t last, int64_t head, const int8_t **found) {
    const int64_t there = last - start < LANES ? last - start : LANES;
    for (int i = 0; i < LANES; i++) found[i] = cache + (start + (i < there ? i : there - 1)) * head;
    for (int64_t line = 0; line < LANES * head; line += 64) _mm_prefetch((const char *)(cache + (start + 3 * LANES) * head + line), _MM_HINT_T0);
}

INLINE I words_at(const int8_t *p, const int vectors, int j) {
    return vectors % 2 && j == words_of(vectors) - 1 ? i_words_of_half(p + j * 32) : i_words_of_i8(p + j * 32);
}

/* Scores of queries `first` to `end` over sixteen positions. */
INLINE void score(Queries *queries, const int8_t *const *key, int64_t start, int64_t first, int64_t end, const int vectors) {
    const int pairs = words_of(vectors);
    uint8_t turned[LANES * MOST_HEAD * 2] __attribute__((aligned(64))); /* (pairs of channels, 16 positions, 2) */
    const int is_turned = end - first >= FROM_QUERIES;
    if (is_turned)
        UNROLL
        for (int j = 0; j < pairs; j++) {
            I v[LANES];
            UNROLL
            for (int i = 0; i < LANES; i++) v[i] = words_at(key[i], vectors, j);
            i_transpose(v, turned + j * 16 * 64, 64);
        }
    for (int64_t q = first; q < end; q++) {
        if (start >= queries->seen[q]) continue; /* all of them lie behind this row */
        const int16_t *query = queries->words + q * pairs * 32;
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
                for (int j = 0; j < pairs; j++) dots[i] = i_dot_words(dots[i], words_at(key[i], vectors, j), i_load(query + j * 32));
            }
            sum = i_sums(dots);
        }
        f_store(queries->scores + q * queries->padded + start, f_mul(f_of_i(sum), f_set(queries->worth[q])));
    }
}

/* Scores to weights: each sixteen become 16-bit integers of their own unit, which takes the place of the first of them. */
static void weigh(Queries *queries) {
    for (int64_t q = 0; q < queries->count; q++) {
        float *row = queries->scores + q * queries->padded;
        const int64_t seen = queries->seen[q], end = (seen + LANES - 1) / LANES * LANES;
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
        const F inverse = f_set(1.0f / f_sum(total));
        for (int64_t i = 0; i < end; i += LANES) {
            const F weights = f_mul(f_load(row + i), inverse);
            const float largest_here = f_largest(weights);
            int16_t *integers = (int16_t *)(row + i);
            i16_store(integers, i_of_f(f_mul(weights, f_set(largest_here > TINY ? 32767.0f / largest_here : 0.0f))));
            row[i + 8] = largest_here / 32767.0f;
        }
    }
}

/* The values of sixteen positions, weighed, to the sums of queries `first` to `end`. */
INLINE void mix(Queries *queries, const int8_t *const *value, int64_t start, int64_t first, int64_t end, const int vectors) {
    const int pairs = words_of(vectors);
    UNROLL
    for (int j = 0; j < pairs; j++) {
        I low[LANES / 2], high[LANES / 2];
        UNROLL
        for (int i = 0; i < LANES / 2; i++)
            i_pairs(words_at(value[2 * i], vectors, j), words_at(value[2 * i + 1], vectors, j), low + i, high + i);
        for (int64_t q = first; q < end; q++) {
            if (start >= queries->seen[q]) continue;
            const float *weights = queries->scores + q * queries->padded + start;
            float *sum = queries->sums + (q * pairs + j) * 32;
            I one = i_zero(), other = i_zero();
            UNROLL
            for (int i = 0; i < LANES / 2; i++) {
                const I two = i_set_from(weights + i);
                one = i_dot_words(one, low[i], two);
                other = i_dot_words(other, high[i], two);
            }
            const F unit = f_set(weights[8]);
            f_store(sum, f_fma(f_of_i(one), unit, f_load(sum)));
            f_store(sum + LANES, f_fma(f_of_i(other), unit, f_load(sum + LANES)));
        }
    }
}

static void write_mixed(const AttentionTask *t, const AttentionPart *p, const Queries *queries, int64_t pairs) {
    const float *value_scales = t->value_scales + p->kv * t->head;
    for (int64_t q = 0; q < queries->count; q++) {
        float *out = t->out + ((sequence_of(p, q) * t->rows + row_of(p, q)) * t->heads + head_of(t, p, q)) * t->head;
        /* i_pairs left the channels in groups of four: of each eight the first four, then the others. */
        for (int64_t i = 0; i < t->head; i++)
            out[i] = queries->sums[q * pairs * 32 + i / 32 * 32 + i % 8 / 4 * 16 + i % 32 / 8 * 4 + i % 4] * value_scales[i];
    }
}

/* A part's queries over its key-value head: for each
 *
 *   q * scale * scale of keys ── to 16 bits ──> scores over the positions up to its own, exact integers, times a float
 *   scores ── softmax ── to 16 bits, 16 positions at a time ──> exact sums of values, times a float, one after the other
 *
 * What several sequences have in common is read once, from the first of them, then of each what is its own; the order of
 * a query's sums is the same.
 */
INLINE void attend_over(const AttentionTask *t, const AttentionPart *p, float *scratch, const int vectors) {
    const int64_t head = vectors * LANES, of_one = p->rows * p->heads;
    const int64_t shared = p->sequences > 1 ? t->shared / LANES * LANES : 0;
    const int8_t *there[LANES];
    Queries queries;
    read_queries(t, p, &queries, scratch, words_of(vectors));
    for (int is_value = 0; is_value < 2; is_value++) {
        const int8_t *cache = is_value ? t->values : t->keys;
        if (is_value) {
            weigh(&queries);
            memset(queries.sums, 0, sizeof(float) * (size_t)(queries.count * words_of(vectors) * 32));
        }
        for (int64_t i = shared ? -1 : 0; i < p->sequences; i++) {
            const int64_t sequence = p->sequence + (i < 0 ? 0 : i), last = i < 0 ? shared : t->pasts[sequence] + p->row + p->rows;
            const int64_t first = i < 0 ? 0 : i * of_one, end = i < 0 ? queries.count : first + of_one;
            const int8_t *own = cache + (sequence * t->kv_heads + p->kv) * t->capacity * head;
            for (int64_t start = i < 0 ? 0 : shared; start < last; start += LANES) {
                find_positions(own, start, last, head, there);
                if (is_value) mix(&queries, there, start, first, end, vectors);
                else score(&queries, there, start, first, end, vectors);
            }
        }
    }
    write_mixed(t, p, &queries, words_of(vectors));
}

static void attend(const AttentionTask *t, const AttentionPart *p, float *scratch) {
    switch (t->head / LANES) {
#define CASE(vectors) \
    case vectors: attend_over(t, p, scratch, vectors); break;
        CASE(1) CASE(2) CASE(4) CASE(5) CASE(6) CASE(8) CASE(16)
#undef CASE
    }
}
