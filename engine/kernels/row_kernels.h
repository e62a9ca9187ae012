/* Norms of rows, and the survey of a row of logits. For: kernels.h, which includes it; see there. */

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
    *total = (double)__builtin_nanf("");
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
