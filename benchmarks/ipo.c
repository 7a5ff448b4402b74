/* MRS-IPO by hand, the rival of alignsim's lanes: z <- centre(alpha z + d + W softmax(z)).
 *
 * Blocks of LANES maps lie side by side, the lane index innermost and every row on a cache line,
 * so that gcc turns each inner loop into SIMD and each exp into a call of libmvec. Two versions:
 * ipo_any for every K, and ipo_four, whose product stays in registers. Compiled by rivals.py.
 */
#include <math.h>
#include <stdlib.h>

#define LANES 64
#define CACHE_LINE 64
#define ALIGNED __attribute__((aligned(CACHE_LINE)))
#define LARGER(a, b) ((a) > (b) ? (a) : (b))
#define EACH_LANE for (int b = 0; b < LANES; b++)

/* A block: rows of LANES numbers. The policy is weights times inverse. */
#define ROW(block, i) ((double *)__builtin_assume_aligned((block) + (i) * LANES, CACHE_LINE))
#define SIGNAL(K) 0
#define CONSTANT(K) ((K) * (K))
#define LOGITS(K) ((K) * (K) + (K))
#define WEIGHTS(K) ((K) * (K) + 2 * (K))
#define ALPHA(K) ((K) * (K) + 3 * (K))
#define INVERSE(K) ((K) * (K) + 3 * (K) + 1)
#define ROWS(K) ((K) * (K) + 3 * (K) + 2)

static void load(double *block, long K, const double *matrices, const double *alpha,
                 const double *strength, const double *drift, const double *state, long lanes)
{
    EACH_LANE {
        long map = b < lanes ? b : lanes - 1;
        double top = -1e300, sum = 0.0;
        for (long i = 0; i < K * K; i++)
            ROW(block, i)[b] = strength[map] * (matrices[map * K * K + i] - 0.5);
        for (long i = 0; i < K; i++) {
            ROW(block, CONSTANT(K) + i)[b] = drift[map * K + i];
            ROW(block, LOGITS(K) + i)[b] = state[map * K + i];
            top = LARGER(top, state[map * K + i]);
        }
        for (long i = 0; i < K; i++)
            sum += ROW(block, WEIGHTS(K) + i)[b] = exp(state[map * K + i] - top);
        ROW(block, ALPHA(K))[b] = alpha[map];
        ROW(block, INVERSE(K))[b] = 1.0 / sum;
    }
}

static void advance_any(double *restrict block, long K)
{
    double *restrict alpha = ROW(block, ALPHA(K)), *restrict inverse = ROW(block, INVERSE(K));
    double top[LANES] ALIGNED, mean[LANES] ALIGNED, moved[LANES] ALIGNED;
    EACH_LANE top[b] = -1e300, mean[b] = 0.0;
    for (long i = 0; i < K; i++) {
        double *logits = ROW(block, LOGITS(K) + i), *constant = ROW(block, CONSTANT(K) + i);
        EACH_LANE moved[b] = 0.0;
        for (long j = 0; j < K; j++) {
            double *signal = ROW(block, i * K + j), *weights = ROW(block, WEIGHTS(K) + j);
            EACH_LANE moved[b] += signal[b] * weights[b];
        }
        EACH_LANE moved[b] = alpha[b] * logits[b] + constant[b] + inverse[b] * moved[b];
        EACH_LANE logits[b] = moved[b];
        EACH_LANE mean[b] += moved[b], top[b] = LARGER(moved[b], top[b]);
    }
    EACH_LANE mean[b] *= 1.0 / K, top[b] -= mean[b], inverse[b] = 0.0;
    for (long i = 0; i < K; i++) {
        double *logits = ROW(block, LOGITS(K) + i), *weights = ROW(block, WEIGHTS(K) + i);
        EACH_LANE logits[b] -= mean[b];
        EACH_LANE weights[b] = exp(logits[b] - top[b]);
        EACH_LANE inverse[b] += weights[b];
    }
    EACH_LANE inverse[b] = 1.0 / inverse[b];
}

static void advance_four(double *restrict block)
{
    double *restrict w = ROW(block, 0), *restrict weights = ROW(block, WEIGHTS(4));
    double below[4 * LANES] ALIGNED;
#define AT(row, i) w[((row) + (i)) * LANES + b]
#define PULL(i) (AT(SIGNAL(4), 4 * (i)) * p0 + AT(SIGNAL(4), 4 * (i) + 1) * p1 \
                 + AT(SIGNAL(4), 4 * (i) + 2) * p2 + AT(SIGNAL(4), 4 * (i) + 3) * p3)
#define MOVED(i) (alpha * AT(LOGITS(4), i) + AT(CONSTANT(4), i) + inverse * PULL(i))
    EACH_LANE {
        double alpha = AT(ALPHA(4), 0), inverse = AT(INVERSE(4), 0);
        double p0 = AT(WEIGHTS(4), 0), p1 = AT(WEIGHTS(4), 1);
        double p2 = AT(WEIGHTS(4), 2), p3 = AT(WEIGHTS(4), 3);
        double z0 = MOVED(0), z1 = MOVED(1), z2 = MOVED(2), z3 = MOVED(3);
        double mean = 0.25 * ((z0 + z1) + (z2 + z3));
        double high = LARGER(z0, z1), other = LARGER(z2, z3), top = LARGER(high, other);
        AT(LOGITS(4), 0) = z0 - mean;
        AT(LOGITS(4), 1) = z1 - mean;
        AT(LOGITS(4), 2) = z2 - mean;
        AT(LOGITS(4), 3) = z3 - mean;
        below[b] = z0 - top;
        below[LANES + b] = z1 - top;
        below[2 * LANES + b] = z2 - top;
        below[3 * LANES + b] = z3 - top;
    }
    for (int b = 0; b < 4 * LANES; b++)
        weights[b] = exp(below[b]);
    EACH_LANE {
        double left = AT(WEIGHTS(4), 0) + AT(WEIGHTS(4), 1);
        double right = AT(WEIGHTS(4), 2) + AT(WEIGHTS(4), 3);
        AT(INVERSE(4), 0) = 1.0 / (left + right);
    }
}

#define RUN(name, advance)                                                                    \
    void name(long n, long K, const double *matrices, const double *alpha,                    \
              const double *strength, const double *drift, double *state, long rounds)        \
    {                                                                                         \
        double *block = aligned_alloc(CACHE_LINE, ROWS(K) * LANES * sizeof(double));          \
        for (long start = 0; start < n; start += LANES) {                                     \
            long lanes = n - start < LANES ? n - start : LANES;                               \
            load(block, K, matrices + start * K * K, alpha + start, strength + start,         \
                 drift + start * K, state + start * K, lanes);                                \
            for (long t = 0; t < rounds; t++)                                                 \
                advance;                                                                      \
            for (long b = 0; b < lanes; b++)                                                  \
                for (long i = 0; i < K; i++)                                                  \
                    state[(start + b) * K + i] = ROW(block, LOGITS(K) + i)[b];                \
        }                                                                                     \
        free(block);                                                                          \
    }

RUN(ipo_any, advance_any(block, K))
RUN(ipo_four, advance_four(block))
