/* Sixteen lanes of floats or integers, as one AVX-512 register or as two halves of AVX2.
 *
 * For: kernels.h, which is compiled once for each. Knows: instructions. Must not know: what is computed with them.
 *
 * Every function gives the same bits in both forms: the same roundings in the same order, sums by the same tree. So a
 * processor without AVX-512 writes the same text. That is why fused multiply-add is spelled out (compile with
 * -ffp-contract=off) and why 8-bit products are taken apart where an instruction would saturate.
 */
#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#define LANES 16
#ifdef WIDE /* else arrays of registers would lie in memory; AVX2 has too few for that, and its code takes long to compile */
#define UNROLL _Pragma("GCC unroll 16")
#else
#define UNROLL _Pragma("GCC unroll 4")
#endif
#define INLINE static inline __attribute__((always_inline))

#ifdef WIDE

typedef __m512 F;
typedef __m512i I;

INLINE F f_set(float x) { return _mm512_set1_ps(x); }
INLINE F f_load(const float *p) { return _mm512_loadu_ps(p); }
INLINE F f_of_halves(const void *p) { return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)p)); }
INLINE void f_store(float *p, F v) { _mm512_storeu_ps(p, v); }
INLINE F f_add(F a, F b) { return _mm512_add_ps(a, b); }
INLINE F f_sub(F a, F b) { return _mm512_sub_ps(a, b); }
INLINE F f_mul(F a, F b) { return _mm512_mul_ps(a, b); }
INLINE F f_div(F a, F b) { return _mm512_div_ps(a, b); }
INLINE F f_max(F a, F b) { return _mm512_max_ps(a, b); }
INLINE F f_min(F a, F b) { return _mm512_min_ps(a, b); }
INLINE F f_fma(F a, F b, F c) { return _mm512_fmadd_ps(a, b, c); } /* a b + c */
INLINE F f_abs(F a) { return _mm512_abs_ps(a); }
INLINE F f_of_i(I a) { return _mm512_cvtepi32_ps(a); }
INLINE I i_of_f(F a) { return _mm512_cvtps_epi32(a); } /* to the nearest, halves to even */
INLINE __m128i i8_of_f(F a) { return _mm512_cvtsepi32_epi8(i_of_f(a)); }
INLINE F f_times_power(F a, I n) { return _mm512_castsi512_ps(_mm512_add_epi32(_mm512_castps_si512(a), _mm512_slli_epi32(n, 23))); }

INLINE I i_set_from(const void *p) { int32_t x; memcpy(&x, p, 4); return _mm512_set1_epi32(x); }
INLINE I i_zero(void) { return _mm512_setzero_si512(); }
INLINE I i_load(const void *p) { return _mm512_loadu_si512(p); }
INLINE void i_store(void *p, I v) { _mm512_storeu_si512(p, v); }
INLINE I i_add(I a, I b) { return _mm512_add_epi32(a, b); }
INLINE I i_low_nibbles(I a) { return _mm512_and_si512(a, _mm512_set1_epi8(15)); }
INLINE I i_high_nibbles(I a) { return _mm512_and_si512(_mm512_srli_epi16(a, 4), _mm512_set1_epi8(15)); }
/* Each lane: sum += four unsigned bytes of w times four signed ones of a. */
INLINE I i_dot4(I sum, I w, I a) { return _mm512_dpbusd_epi32(sum, w, a); }
INLINE I i_dot8(I sum, I w, I a) { return _mm512_dpbusd_epi32(sum, w, a); }
/* Each lane: sum += two 16-bit integers of a times two of b. */
INLINE I i_dot_words(I sum, I a, I b) { return _mm512_dpwssd_epi32(sum, a, b); }
/* 32 bytes, or 16 and zeros, as 16-bit integers. */
INLINE I i_words_of_i8(const int8_t *p) { return _mm512_cvtepi8_epi16(_mm256_loadu_si256((const __m256i *)p)); }
INLINE I i_words_of_half(const int8_t *p) {
    return _mm512_cvtepi8_epi16(_mm256_zextsi128_si256(_mm_loadu_si128((const __m128i *)p)));
}

/* Two rows of 16-bit integers to pairs of one of each: channels 8 i to 8 i + 3, and the four behind them, of each 8. */
INLINE void i_pairs(I a, I b, I *low, I *high) {
    *low = _mm512_unpacklo_epi16(a, b);
    *high = _mm512_unpackhi_epi16(a, b);
}
INLINE void i16_store(int16_t *p, I v) { _mm256_storeu_si256((__m256i *)p, _mm512_cvtsepi32_epi16(v)); }

INLINE float f_sum(F v) {
    __m256 a = _mm256_add_ps(_mm512_castps512_ps256(v), _mm512_extractf32x8_ps(v, 1));
    __m128 b = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    b = _mm_add_ps(b, _mm_movehl_ps(b, b));
    return _mm_cvtss_f32(_mm_add_ss(b, _mm_movehdup_ps(b)));
}
INLINE float f_largest(F v) { return _mm512_reduce_max_ps(v); }
INLINE int f_any_nan(F v) { return _mm512_cmp_ps_mask(v, v, _CMP_UNORD_Q) != 0; }

/* Lane i of the result: the sum of all lanes of v[i]. Integers, so that the order does not matter. */
INLINE I i_sums(const I *v) {
    I u[4];
    UNROLL
    for (int q = 0; q < 4; q++) {
        const I *w = v + 4 * q;
        I a = i_add(_mm512_unpacklo_epi32(w[0], w[1]), _mm512_unpackhi_epi32(w[0], w[1]));
        I b = i_add(_mm512_unpacklo_epi32(w[2], w[3]), _mm512_unpackhi_epi32(w[2], w[3]));
        u[q] = i_add(_mm512_unpacklo_epi64(a, b), _mm512_unpackhi_epi64(a, b));
    }
    I p = i_add(_mm512_shuffle_i32x4(u[0], u[1], 0x88), _mm512_shuffle_i32x4(u[0], u[1], 0xDD));
    I q = i_add(_mm512_shuffle_i32x4(u[2], u[3], 0x88), _mm512_shuffle_i32x4(u[2], u[3], 0xDD));
    return i_add(_mm512_shuffle_i32x4(p, q, 0x88), _mm512_shuffle_i32x4(p, q, 0xDD));
}

/* Sixteen registers of sixteen 32-bit lanes, rows to columns; row i is written to to + i * stride bytes. */
INLINE void i_transpose(const I *v, uint8_t *to, int stride) {
    I a[16], b[16];
    UNROLL
    for (int i = 0; i < 16; i += 2) {
        a[i] = _mm512_unpacklo_epi32(v[i], v[i + 1]);
        a[i + 1] = _mm512_unpackhi_epi32(v[i], v[i + 1]);
    }
    UNROLL
    for (int i = 0; i < 16; i += 4) {
        b[i] = _mm512_unpacklo_epi64(a[i], a[i + 2]);
        b[i + 1] = _mm512_unpackhi_epi64(a[i], a[i + 2]);
        b[i + 2] = _mm512_unpacklo_epi64(a[i + 1], a[i + 3]);
        b[i + 3] = _mm512_unpackhi_epi64(a[i + 1], a[i + 3]);
    }
    UNROLL
    for (int i = 0; i < 4; i++) {
        I p0 = _mm512_shuffle_i32x4(b[i], b[4 + i], 0x44), p1 = _mm512_shuffle_i32x4(b[8 + i], b[12 + i], 0x44);
        I p2 = _mm512_shuffle_i32x4(b[i], b[4 + i], 0xEE), p3 = _mm512_shuffle_i32x4(b[8 + i], b[12 + i], 0xEE);
        i_store(to + (size_t)i * stride, _mm512_shuffle_i32x4(p0, p1, 0x88));
        i_store(to + (size_t)(4 + i) * stride, _mm512_shuffle_i32x4(p0, p1, 0xDD));
        i_store(to + (size_t)(8 + i) * stride, _mm512_shuffle_i32x4(p2, p3, 0x88));
        i_store(to + (size_t)(12 + i) * stride, _mm512_shuffle_i32x4(p2, p3, 0xDD));
    }
}

#else

typedef struct { __m256 a, b; } F;
typedef struct { __m256i a, b; } I;

#define EACH_F(x, y) ((F){x, y})
#define EACH_I(x, y) ((I){x, y})

INLINE F f_set(float x) { return EACH_F(_mm256_set1_ps(x), _mm256_set1_ps(x)); }
INLINE F f_load(const float *p) { return EACH_F(_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)); }
INLINE F f_of_halves(const void *p) {
    const __m128i *q = (const __m128i *)p;
    return EACH_F(_mm256_cvtph_ps(_mm_loadu_si128(q)), _mm256_cvtph_ps(_mm_loadu_si128(q + 1)));
}
INLINE void f_store(float *p, F v) { _mm256_storeu_ps(p, v.a); _mm256_storeu_ps(p + 8, v.b); }
INLINE F f_add(F a, F b) { return EACH_F(_mm256_add_ps(a.a, b.a), _mm256_add_ps(a.b, b.b)); }
INLINE F f_sub(F a, F b) { return EACH_F(_mm256_sub_ps(a.a, b.a), _mm256_sub_ps(a.b, b.b)); }
INLINE F f_mul(F a, F b) { return EACH_F(_mm256_mul_ps(a.a, b.a), _mm256_mul_ps(a.b, b.b)); }
INLINE F f_div(F a, F b) { return EACH_F(_mm256_div_ps(a.a, b.a), _mm256_div_ps(a.b, b.b)); }
INLINE F f_max(F a, F b) { return EACH_F(_mm256_max_ps(a.a, b.a), _mm256_max_ps(a.b, b.b)); }
INLINE F f_min(F a, F b) { return EACH_F(_mm256_min_ps(a.a, b.a), _mm256_min_ps(a.b, b.b)); }
INLINE F f_fma(F a, F b, F c) { return EACH_F(_mm256_fmadd_ps(a.a, b.a, c.a), _mm256_fmadd_ps(a.b, b.b, c.b)); }
INLINE F f_abs(F a) {
    __m256 sign = _mm256_set1_ps(-0.0f);
    return EACH_F(_mm256_andnot_ps(sign, a.a), _mm256_andnot_ps(sign, a.b));
}
INLINE F f_of_i(I a) { return EACH_F(_mm256_cvtepi32_ps(a.a), _mm256_cvtepi32_ps(a.b)); }
INLINE I i_of_f(F a) { return EACH_I(_mm256_cvtps_epi32(a.a), _mm256_cvtps_epi32(a.b)); }
INLINE __m128i i8_of_f(F v) {
    I i = i_of_f(v);
    __m256i words = _mm256_permute4x64_epi64(_mm256_packs_epi32(i.a, i.b), 0xD8);
    return _mm_packs_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
}
INLINE F f_times_power(F a, I n) {
    __m256i x = _mm256_add_epi32(_mm256_castps_si256(a.a), _mm256_slli_epi32(n.a, 23));
    __m256i y = _mm256_add_epi32(_mm256_castps_si256(a.b), _mm256_slli_epi32(n.b, 23));
    return EACH_F(_mm256_castsi256_ps(x), _mm256_castsi256_ps(y));
}

INLINE I i_set(int32_t x) { return EACH_I(_mm256_set1_epi32(x), _mm256_set1_epi32(x)); }
INLINE I i_set_from(const void *p) { int32_t x; memcpy(&x, p, 4); return i_set(x); }
INLINE I i_zero(void) { return i_set(0); }
INLINE I i_load(const void *p) {
    const __m256i *q = (const __m256i *)p;
    return EACH_I(_mm256_loadu_si256(q), _mm256_loadu_si256(q + 1));
}
INLINE void i_store(void *p, I v) {
    _mm256_storeu_si256((__m256i *)p, v.a);
    _mm256_storeu_si256((__m256i *)p + 1, v.b);
}
INLINE I i_add(I a, I b) { return EACH_I(_mm256_add_epi32(a.a, b.a), _mm256_add_epi32(a.b, b.b)); }
INLINE I i_low_nibbles(I a) {
    __m256i low = _mm256_set1_epi8(15);
    return EACH_I(_mm256_and_si256(a.a, low), _mm256_and_si256(a.b, low));
}
INLINE I i_high_nibbles(I a) {
    __m256i low = _mm256_set1_epi8(15);
    return EACH_I(_mm256_and_si256(_mm256_srli_epi16(a.a, 4), low), _mm256_and_si256(_mm256_srli_epi16(a.b, 4), low));
}
/* Pairs are added in 16 bits, which saturates; unsigned bytes of at most 127 never reach the limit. */
INLINE __m256i half_dot(__m256i sum, __m256i w, __m256i a) {
    __m256i pairs = _mm256_maddubs_epi16(w, a);
    return _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}
INLINE I i_dot4(I sum, I w, I a) { return EACH_I(half_dot(sum.a, w.a, a.a), half_dot(sum.b, w.b, a.b)); }
INLINE __m256i half_dot_of_bytes(__m256i sum, __m256i w, __m256i a) {
    __m256i one = _mm256_set1_epi8(1), most = _mm256_set1_epi8(127);
    __m256i upper = _mm256_and_si256(_mm256_srli_epi16(w, 1), most);
    __m256i twice = half_dot(_mm256_setzero_si256(), upper, a);
    sum = half_dot(sum, _mm256_and_si256(w, one), a);
    return _mm256_add_epi32(sum, _mm256_add_epi32(twice, twice));
}
INLINE I i_dot8(I sum, I w, I a) {
    return EACH_I(half_dot_of_bytes(sum.a, w.a, a.a), half_dot_of_bytes(sum.b, w.b, a.b));
}
INLINE I i_dot_words(I sum, I a, I b) {
    return i_add(sum, EACH_I(_mm256_madd_epi16(a.a, b.a), _mm256_madd_epi16(a.b, b.b)));
}
INLINE I i_words_of_i8(const int8_t *p) {
    const __m128i *q = (const __m128i *)p;
    return EACH_I(_mm256_cvtepi8_epi16(_mm_loadu_si128(q)), _mm256_cvtepi8_epi16(_mm_loadu_si128(q + 1)));
}
INLINE I i_words_of_half(const int8_t *p) {
    return EACH_I(_mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)p)), _mm256_setzero_si256());
}
INLINE void i_pairs(I a, I b, I *low, I *high) {
    *low = EACH_I(_mm256_unpacklo_epi16(a.a, b.a), _mm256_unpacklo_epi16(a.b, b.b));
    *high = EACH_I(_mm256_unpackhi_epi16(a.a, b.a), _mm256_unpackhi_epi16(a.b, b.b));
}
INLINE void i16_store(int16_t *p, I v) {
    _mm256_storeu_si256((__m256i *)p, _mm256_permute4x64_epi64(_mm256_packs_epi32(v.a, v.b), 0xD8));
}

INLINE float f_sum(F v) {
    __m256 a = _mm256_add_ps(v.a, v.b);
    __m128 b = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    b = _mm_add_ps(b, _mm_movehl_ps(b, b));
    return _mm_cvtss_f32(_mm_add_ss(b, _mm_movehdup_ps(b)));
}
INLINE float f_largest(F v) {
    __m256 a = _mm256_max_ps(v.a, v.b);
    __m128 b = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    b = _mm_max_ps(b, _mm_movehl_ps(b, b));
    return _mm_cvtss_f32(_mm_max_ss(b, _mm_movehdup_ps(b)));
}
INLINE int f_any_nan(F v) {
    return _mm256_movemask_ps(_mm256_or_ps(_mm256_cmp_ps(v.a, v.a, _CMP_UNORD_Q), _mm256_cmp_ps(v.b, v.b, _CMP_UNORD_Q))) != 0;
}
INLINE __m256i half_sums(__m256i v0, __m256i v1, __m256i v2, __m256i v3) {
    return _mm256_hadd_epi32(_mm256_hadd_epi32(v0, v1), _mm256_hadd_epi32(v2, v3));
}
INLINE I i_sums(const I *v) {
    __m128i quarters[4];
    UNROLL
    for (int q = 0; q < 4; q++) {
        const I *w = v + 4 * q;
        __m256i x = half_sums(_mm256_add_epi32(w[0].a, w[0].b), _mm256_add_epi32(w[1].a, w[1].b),
                              _mm256_add_epi32(w[2].a, w[2].b), _mm256_add_epi32(w[3].a, w[3].b));
        quarters[q] = _mm_add_epi32(_mm256_castsi256_si128(x), _mm256_extracti128_si256(x, 1));
    }
    return EACH_I(_mm256_set_m128i(quarters[1], quarters[0]), _mm256_set_m128i(quarters[3], quarters[2]));
}
INLINE void i_transpose(const I *v, uint8_t *to, int stride) {
    UNROLL
    for (int row = 0; row < 16; row++) {
        uint8_t lanes[64];
        i_store(lanes, v[row]);
        UNROLL
        for (int column = 0; column < 16; column++) memcpy(to + (size_t)column * stride + 4 * row, lanes + 4 * column, 4);
    }
}

#endif

/* e to the power x. Cephes' single precision polynomial on [-ln 2 / 2, ln 2 / 2]; below -87 it is e^-87. */
INLINE F f_exp(F x) {
    x = f_min(f_max(x, f_set(-87.0f)), f_set(88.0f));
    I n = i_of_f(f_mul(x, f_set(1.44269504088896341f)));
    F whole = f_of_i(n);
    x = f_fma(whole, f_set(-0.693359375f), x);
    x = f_fma(whole, f_set(2.12194440e-4f), x);
    F y = f_set(1.9875691500e-4f);
    y = f_fma(y, x, f_set(1.3981999507e-3f));
    y = f_fma(y, x, f_set(8.3334519073e-3f));
    y = f_fma(y, x, f_set(4.1665795894e-2f));
    y = f_fma(y, x, f_set(1.6666665459e-1f));
    y = f_fma(y, x, f_set(5.0000001201e-1f));
    y = f_fma(y, f_mul(x, x), f_add(x, f_set(1.0f)));
    return f_times_power(y, n);
}
