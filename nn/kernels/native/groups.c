/* Groups of elementwise steps: an interpreter whose instructions are loops over vectors.

   Layout. All registers of a group hold BLOCK numbers, 4 KiB, so that a dozen of them fit the first-level cache.
   The interpreter runs the whole code on one block after the other. Of the large arrays each number comes from
   memory once and goes back once. NumPy moves each intermediate result to memory and back. One instruction
   costs its loop, and a few nanoseconds for its dispatch.

   Arrays. An array of the group's shape, contiguous, is a register itself: a pointer that moves along. Any other
   array (a row, a column, booleans, a last block that does not fill its vectors) is gathered into a register of
   its own. A number fills its register once. The last vector is filled up with copies of the last entry, so that
   no lane computes what the program does not ask for.

   Exactness. An instruction does one operation, so the compiler has nothing to contract: + - * / sqrt,
   comparisons and selections have NumPy's bits. The functions have errors below 4 units in the last place, those
   of two operands and the slopes below 8. Their series are Taylor's, long enough for the reduced arguments. A mask is a vector of all ones and all zeros; in
   memory it is a byte, in a gathered register 0 or 1.
*/

#include "native.h"

#include <math.h>
#include <string.h>

#if defined(__SSE2__)
#include <immintrin.h>
#else
#include <fenv.h>
#endif

#define BLOCK ((int64_t)(4096 / sizeof(REAL)))
#define AXES 8

/* -- numbers and their bits --------------------------------------------------------------------- */

typedef __typeof__(__builtin_choose_expr(sizeof(REAL) == 8, (int64_t)0, (int32_t)0)) whole;
typedef __typeof__(__builtin_choose_expr(sizeof(REAL) == 8, (uint64_t)0, (uint32_t)0)) natural;
typedef whole ivec __attribute__((vector_size(BYTES), aligned(sizeof(REAL)), may_alias));
typedef natural uvec __attribute__((vector_size(BYTES), aligned(sizeof(REAL)), may_alias));

#define DOUBLE (sizeof(REAL) == 8)
#define ONE_OF(d, f) (DOUBLE ? (REAL)(d) : (REAL)(f))
#define MANTISSA (DOUBLE ? 52 : 23)
#define BIAS (DOUBLE ? 1023 : 127)
#define MAGIC ONE_OF(0x1.8p52, 0x1.8p23) /* x + MAGIC has the integer next to x in its last bits */
#define LEAST ONE_OF(0x1p-1022, 0x1p-126) /* the smallest normal number */
#define INF ((REAL)INFINITY)

INLINE vec all(REAL x) { return x - (vec){0}; }
INLINE ivec bits(vec x) { return (ivec)x; }
INLINE ivec plus(ivec a, ivec b) { return (ivec)((uvec)a + (uvec)b); } /* the bits of NaN may overflow */
INLINE ivec minus(ivec a, ivec b) { return (ivec)((uvec)a - (uvec)b); }
INLINE ivec shifted_up(ivec a, int n) { return (ivec)((uvec)a << n); }
INLINE vec choose(ivec mask, vec a, vec b) { return (vec)((mask & bits(a)) | (~mask & bits(b))); }
INLINE vec number(ivec mask) { return (vec)(mask & bits(all(1))); }
INLINE ivec sign_bit(void) { return bits(all((REAL)-0.0)); }
INLINE vec absolute(vec x) { return (vec)(bits(x) & ~sign_bit()); }
INLINE vec copysigned(vec x, vec y) { return (vec)((bits(x) & ~sign_bit()) | (bits(y) & sign_bit())); }
INLINE vec larger_of(vec a, vec b) { return choose((a > b) | (a != a), a, b); }
INLINE vec smaller_of(vec a, vec b) { return choose((a < b) | (a != a), a, b); }

INLINE int64_t any(ivec mask)
{
    whole found = 0;
    for (int64_t i = 0; i < LANES; i++)
        found |= mask[i];
    return found != 0;
}

/* The integer next to x, as a number and in k. */
INLINE vec rounded(vec x, ivec *k)
{
    vec shifted = x + MAGIC;
    *k = minus(bits(shifted), bits(all(MAGIC)));
    return shifted - MAGIC;
}

INLINE vec real(ivec k) { return (vec)plus(k, bits(all(MAGIC))) - MAGIC; }
INLINE vec power_of_two(ivec k) { return (vec)shifted_up(k + BIAS, MANTISSA); }

/* c[0] + c[1] x + c[2] x^2 + ... */
INLINE vec series(vec x, const REAL *c, int count)
{
    vec sum = all(c[count - 1]);
#pragma GCC unroll 16
    for (int k = count - 2; k >= 0; k--)
        sum = sum * x + c[k];
    return sum;
}

#define LENGTH(c, d, f) (c), (DOUBLE ? (d) : (f))

/* -- exponentials ------------------------------------------------------------------------------- */

static const REAL EXP[] = {1. / 2,      1. / 6,       1. / 24,       1. / 120,       1. / 720,       1. / 5040,
                           1. / 40320,  1. / 362880,  1. / 3628800,  1. / 39916800,  1. / 479001600, 1. / 6227020800};

/* x = r + k log 2, with |r| < 0.35. */
INLINE vec reduced(vec x, ivec *k)
{
    vec n = rounded(x * (REAL)1.4426950408889634, k);
    return (x - n * ONE_OF(0x1.62e42feep-1, 0x1.62e4p-1)) - n * ONE_OF(1.9082149292705877e-10, 1.4286068203094172e-6);
}

/* e^r - 1 for a small r. */
INLINE vec small_expm1(vec r) { return r + r * r * series(r, LENGTH(EXP, 12, 6)); }

/* e^x = value * half * rest. The two powers of two are normal numbers even where e^x is far below the smallest
   number: a large factor may come before the last of them. */
typedef struct {
    vec value, half, rest;
} power;

INLINE power exponential(vec x)
{
    ivec k;
    x = choose(x < ONE_OF(-1416, -174), all(ONE_OF(-1416, -174)), x);
    x = choose(x > ONE_OF(710, 89), all(ONE_OF(710, 89)), x);
    vec r = reduced(x, &k);
    ivec half = k >> 1;
    return (power){1 + small_expm1(r), power_of_two(half), power_of_two(k - half)};
}

INLINE vec exp_of(vec x)
{
    power e = exponential(x);
    return e.value * e.half * e.rest;
}

/* e^x for x <= 0, where the result may be rounded to 0. */
INLINE vec falling(vec x)
{
    ivec k;
    x = choose(x < ONE_OF(-708, -87), all(ONE_OF(-708, -87)), x);
    vec r = reduced(x, &k);
    return (1 + small_expm1(r)) * power_of_two(k);
}

/* 2^k (e^r - 1) + (2^k - 1); 2^(k-1) is finite even where 2^k is not. */
INLINE vec expm1_of(vec x)
{
    ivec k;
    vec near = choose(x < ONE_OF(-50, -25), all(ONE_OF(-50, -25)), x);
    near = choose(near > ONE_OF(710, 89), all(ONE_OF(710, 89)), near);
    vec r = reduced(near, &k), half = power_of_two(k - 1);
    return choose(x == 0, x, 2 * (half * small_expm1(r) + (half - (REAL)0.5)));
}

/* (e^2|x| - 1) / (e^2|x| + 1) with the sign of x. */
INLINE vec tanh_of(vec x)
{
    ivec k;
    vec size = choose(absolute(x) > 22, all(22), absolute(x));
    vec r = reduced(2 * size, &k), half = power_of_two(k - 1);
    vec e = 2 * (half * small_expm1(r) + (half - (REAL)0.5));
    return copysigned(e / (e + 2), x);
}

/* 1 / (1 + e^-x), by the exponential of -|x|, which cannot overflow. */
INLINE vec logistic(vec x)
{
    vec e = exp_of(-absolute(x));
    return choose(x >= 0, all(1), e) / (1 + e);
}

INLINE vec logistic_slope(vec x)
{
    vec e = exp_of(-absolute(x));
    return e / ((1 + e) * (1 + e));
}

/* g / cosh(x)^2 = 4 g e / (1 + e)^2 with e = e^-2|x|. A large g comes between the factors of e. */
INLINE vec times_sech2(vec g, vec x)
{
    power e = exponential(-2 * absolute(x));
    vec below = 1 + e.value * e.half * e.rest;
    vec half = choose(absolute(x) >= ONE_OF(708, 87), all(0), e.half);
    return g * half * (e.value / (below * below)) * (4 * e.rest);
}

/* g e^(-x^2). The square of `head` is exact; the rest of the exponent is small. */
INLINE vec times_gauss(vec g, vec x)
{
    ivec k;
    vec near = larger_of(smaller_of(x, all(40)), all(-40)), unit = all(ONE_OF(0x1p20, 0x1p6));
    vec head = rounded(near * unit, &k) / unit, rest = (head - near) * (head + near);
    power e = exponential(-head * head * (REAL)0.5), small = exponential(rest);
    vec root = e.value * e.half * e.rest;
    return g * root * (small.value * small.half * small.rest) * root;
}

/* -- logarithms --------------------------------------------------------------------------------- */

static const REAL LOG[] = {2. / 3, 2. / 5, 2. / 7, 2. / 9, 2. / 11, 2. / 13, 2. / 15, 2. / 17, 2. / 19, 2. / 21};

/* log(2^k m) with m between sqrt(1/2) and sqrt(2). With f = m - 1 and s = f / (2 + f), log m is the series
   2 s + 2/3 s^3 + 2/5 s^5 + ..., and 2 s = f - f^2 / 2 + s f^2 / 2. `odd` becomes true where x <= 0. */
INLINE vec log_of(vec x, ivec *odd)
{
    ivec tiny = x < LEAST, root = bits(all((REAL)0.70710678118654752));
    ivec scaled = bits(x * choose(tiny, all(ONE_OF(0x1p54, 0x1p25)), all(1)));
    ivec k = (plus(scaled, bits(all(1)) - root) >> MANTISSA) - BIAS;
    vec f = (vec)minus(scaled, shifted_up(k, MANTISSA)) - 1, s = f / (2 + f), half = f * f * (REAL)0.5;
    vec n = real(k) - (vec)(tiny & bits(all(ONE_OF(54, 25))));
    vec rest = s * s * series(s * s, LENGTH(LOG, 10, 4));
    vec y = n * ONE_OF(0x1.62e42feep-1, 0x1.62e4p-1) +
            (f - (half - (s * (half + rest) + n * ONE_OF(1.9082149292705877e-10, 1.4286068203094172e-6))));
    *odd |= x <= 0;
    y = choose(x < INF, y, x);
    return choose(x <= 0, choose(x == 0, all(-INF), all((REAL)NAN)), y);
}

/* log u with u = 1 + x rounded, and the derivative for what the rounding has lost. */
INLINE vec log1p_of(vec x, ivec *odd)
{
    vec u = 1 + x, lost = choose(x < 1, x - (u - 1), 1 - (u - x)), y = log_of(u, odd);
    vec exact = choose(x == 0, x, y + lost / u);
    return choose((u > 0) & (u < INF), exact, y);
}

/* log(e^a + e^b). */
INLINE vec logaddexp_of(vec a, vec b)
{
    ivec odd = {0};
    vec top = choose(a > b, a, b), gap = -absolute(a - b), y = top + log1p_of(exp_of(gap), &odd);
    return choose(a == b, a + (REAL)0.69314718055994531, choose(a == a, choose(b == b, y, b), a));
}

/* -- trigonometric functions -------------------------------------------------------------------- */

static const REAL SIN[] = {-1. / 6,        1. / 120,         -1. / 5040,          1. / 362880,
                           -1. / 39916800, 1. / 6227020800., -1. / 1307674368e3, 1. / 355687428096e3};
static const REAL COS[] = {1. / 24,        -1. / 720,         1. / 40320,         -1. / 3628800,
                           1. / 479001600, -1. / 87178291200., 1. / 20922789888e3};

/* Up to here a multiple of pi / 2 is exact in the parts below. */
#define FAR ONE_OF(0x1p19, 0x1p12)

/* pi / 2 in parts of 33 bits in double, 11 bits in float; products with a quadrant are exact. */
static const double PARTS_OF_DOUBLE[] = {0x1.921fb544p+0, 0x1.0b4611a6p-34, 0x1.3198a2e0p-69, 0x1.b839a252049c1p-104};
static const double PARTS_OF_FLOAT[] = {0x1.92p+0, 0x1.fb4p-12, 0x1.444p-24, 0x1.68cp-39, 0x1.1a6264p-54};

INLINE vec turned(vec x, ivec *quadrant)
{
    vec n = rounded(x * (REAL)0.63661977236758134, quadrant);
    for (int k = 0; k < (DOUBLE ? 4 : 5); k++)
        x -= n * (REAL)(DOUBLE ? PARTS_OF_DOUBLE[k] : PARTS_OF_FLOAT[k]);
    return x;
}

INLINE vec sine(vec r) { return r + r * (r * r) * series(r * r, LENGTH(SIN, 8, 4)); }

INLINE vec cosine(vec r)
{
    vec z = r * r, half = z * (REAL)0.5, top = 1 - half;
    return top + (((1 - top) - half) + z * z * series(z, LENGTH(COS, 7, 4)));
}

/* sin(x + shift pi / 2). */
INLINE vec wave(vec x, whole shift, ivec *far)
{
    ivec quadrant, near = absolute(x) < FAR;
    vec r = turned((vec)(bits(x) & near), &quadrant);
    quadrant = plus(quadrant, (ivec){0} + shift);
    *far |= ~near;
    vec y = choose((quadrant & 1) == 0, sine(r), cosine(r));
    return (vec)(bits(y) ^ (shifted_up(quadrant, MANTISSA + (DOUBLE ? 10 : 7)) & sign_bit()));
}

INLINE vec sin_of(vec x, ivec *far) { return choose(x == 0, x, wave(x, 0, far)); }
INLINE vec cos_of(vec x, ivec *far) { return wave(x, 1, far); }
INLINE vec tan_of(vec x, ivec *far) { return choose(x == 0, x, wave(x, 0, far) / wave(x, 1, far)); }

/* -- the error function ------------------------------------------------------------------------- */

/* Ratios of polynomials in x^2 and |x|, those of the NumPy twin; the lowest power first. */
static const REAL MIDDLE_ABOVE[] = {0.12837916709551253, -0.3175762594889081, -0.04740798753919441,
                                    -0.007383377603208537, -0.0003114369257023785};
static const REAL MIDDLE_BELOW[] = {1.0, 0.45607189131671666, 0.08797976827056274, 0.008662647650060586,
                                    0.0003761315099412751};
static const REAL TAIL_ABOVE[] = {0.9999999791717391, 1.3550139388302906, 0.9059127378996011,
                                  0.3478541590147345, 0.0762594800598997, 0.007742053583221077};
static const REAL TAIL_BELOW[] = {1.0, 2.4833928504132152, 2.7081229731955005, 1.6724982353642082,
                                  0.6235018337527453, 0.13516042348031132, 0.013722634753433636};

/* x + x R(x^2) for |x| below 3/4, and 1 - e^(-x^2) R(|x|) above. */
INLINE vec erf_of(vec x)
{
    vec a = choose(absolute(x) > 6, all(6), absolute(x)), z = a * a;
    vec middle = x + x * (series(z, MIDDLE_ABOVE, 5) / series(z, MIDDLE_BELOW, 5));
    vec tail = series(a, TAIL_ABOVE, 6) / series(a, TAIL_BELOW, 7) * falling(-z);
    return choose(absolute(x) < (REAL)0.75, middle, copysigned(1 - tail, x));
}

/* -- instructions ------------------------------------------------------------------------------- */

INLINE vec sign_of(vec x) { return choose(x != x, x, number(x > 0) - number(x < 0)); }

/* OP(name, vector): a, b, c are the operands. `odd` takes entries for which NumPy may have a warning. */
#define INSTRUCTIONS(OP)                                                                                           \
    OP(add, a + b)                                                                                                 \
    OP(subtract, a - b)                                                                                            \
    OP(multiply, a *b)                                                                                             \
    OP(divide, a / b)                                                                                              \
    OP(negative, -a)                                                                                               \
    OP(positive, a)                                                                                                \
    OP(square, a *a)                                                                                               \
    OP(cube, a *a *a)                                                                                              \
    OP(reciprocal, 1 / a)                                                                                          \
    OP(absolute, absolute(a))                                                                                      \
    OP(sign, sign_of(a))                                                                                           \
    OP(copysign, copysigned(a, b))                                                                                 \
    OP(maximum, larger_of(a, b))                                                                                   \
    OP(minimum, smaller_of(a, b))                                                                                  \
    OP(clip, smaller_of(larger_of(a, b), c))                                                                       \
    OP(less, (vec)(a < b))                                                                                         \
    OP(less_equal, (vec)(a <= b))                                                                                  \
    OP(greater, (vec)(a > b))                                                                                      \
    OP(greater_equal, (vec)(a >= b))                                                                               \
    OP(equal, (vec)(a == b))                                                                                       \
    OP(not_equal, (vec)(a != b))                                                                                   \
    OP(isnan, (vec)(a != a))                                                                                       \
    OP(isfinite, (vec)(absolute(a) < INF))                                                                         \
    OP(isinf, (vec)(absolute(a) == INF))                                                                           \
    OP(logical_and, (vec)(bits(a) & bits(b)))                                                                      \
    OP(logical_or, (vec)(bits(a) | bits(b)))                                                                       \
    OP(logical_xor, (vec)(bits(a) ^ bits(b)))                                                                      \
    OP(logical_not, (vec)(~bits(a)))                                                                               \
    OP(truth, (vec)(a != 0))                                                                                       \
    OP(number, number(bits(a)))                                                                                    \
    OP(where, choose(bits(a), b, c))                                                                               \
    OP(exp, exp_of(a))                                                                                             \
    OP(expm1, expm1_of(a))                                                                                         \
    OP(log, log_of(a, &odd))                                                                                       \
    OP(log1p, log1p_of(a, &odd))                                                                                   \
    OP(logaddexp, logaddexp_of(a, b))                                                                              \
    OP(softplus, logaddexp_of(a, all(0)))                                                                          \
    OP(tanh, tanh_of(a))                                                                                           \
    OP(times_sech2, times_sech2(a, b))                                                                             \
    OP(sigmoid, logistic(a))                                                                                       \
    OP(logistic_slope, logistic_slope(a))                                                                          \
    OP(erf, erf_of(a))                                                                                             \
    OP(times_gauss, times_gauss(a, b))                                                                             \
    OP(relu, larger_of(a, all(0)))

/* Entry by entry: the compiler makes the vectors. */
#define LOOPS(OP)                                                                                                  \
    OP(sqrt, SCALAR(sqrt)(x[i]))                                                                                   \
    OP(floor, SCALAR(floor)(x[i]))                                                                                 \
    OP(ceil, SCALAR(ceil)(x[i]))                                                                                   \
    OP(trunc, SCALAR(trunc)(x[i]))                                                                                 \
    OP(rint, SCALAR(rint)(x[i]))

/* The function of the C library takes the blocks with an argument that is too large, infinite or NaN. */
#define WAVES(OP)                                                                                                  \
    OP(sin, sin_of(a, &far))                                                                                       \
    OP(cos, cos_of(a, &far))                                                                                       \
    OP(tan, tan_of(a, &far))

#define SCALAR(name) _Generic((REAL)0, float: name##f, double: name)

#define AS_NUMBER(name, _) CODE_##name,
enum { INSTRUCTIONS(AS_NUMBER) LOOPS(AS_NUMBER) WAVES(AS_NUMBER) COUNT };

#define AS_WORD(name, _) #name " "
/* The names of the instructions, each at the index of its number. */
const char *NAME(group_words)(void) { return INSTRUCTIONS(AS_WORD) LOOPS(AS_WORD) WAVES(AS_WORD); }

typedef struct {
    int32_t code, to, a, b, c;
} instruction;

#define AS_VECTORS(name, value)                                                                                    \
    case CODE_##name:                                                                                              \
        for (int64_t i = 0; i < n; i += LANES) {                                                                   \
            vec a = load(x + i), b = load(y + i), c = load(z + i);                                                 \
            (void)a, (void)b, (void)c;                                                                             \
            store(to + i, value);                                                                                  \
        }                                                                                                          \
        break;

#define AS_LOOP(name, value)                                                                                       \
    case CODE_##name:                                                                                              \
        _Pragma("GCC ivdep") for (int64_t i = 0; i < n; i++)                                                       \
            to[i] = value;                                                                                         \
        break;

#define AS_WAVE(name, value)                                                                                       \
    case CODE_##name: {                                                                                            \
        ivec far = {0};                                                                                            \
        for (int64_t i = 0; i < n; i += LANES) {                                                                   \
            vec a = load(x + i);                                                                                   \
            vec y = value;                                                                                         \
            store(spare + i, y);                                                                                   \
        }                                                                                                          \
        if (any(far))                                                                                              \
            for (int64_t i = 0; i < n; i++)                                                                        \
                spare[i] = SCALAR(name)(x[i]);                                                                     \
        memcpy(to, spare, (size_t)n * sizeof(REAL));                                                               \
        break;                                                                                                     \
    }

/* Run the code on one block of n entries, which fill their vectors; returns where functions were odd. */
static ivec block(const instruction *code, int64_t count, REAL *const *at, int64_t n)
{
    ivec odd = {0};
    REAL spare[BLOCK];
    for (int64_t j = 0; j < count; j++) {
        const REAL *x = at[code[j].a], *y = at[code[j].b], *z = at[code[j].c];
        REAL *to = at[code[j].to];
        switch (code[j].code) {
            INSTRUCTIONS(AS_VECTORS)
            LOOPS(AS_LOOP)
            WAVES(AS_WAVE)
        }
    }
    return odd;
}

/* -- arrays ------------------------------------------------------------------------------------- */

/* An array in memory. It has the group's shape; an axis along which it is broadcast has the stride 0. */
typedef struct {
    char *data;
    int64_t at, size, axes, shape[AXES], strides[AXES]; /* size of an entry: 1 for booleans */
} array;

INLINE int moves_along(const array *a) { return a->axes == 1 && a->strides[0] == (int64_t)sizeof(REAL); }

/* Entries first to first + n of an array go to a register. */
static void gather(const array *a, int64_t first, int64_t n, REAL *to)
{
    int64_t index[AXES], last = a->axes - 1, offset = 0;
    for (int64_t k = last, rest = first; k >= 0; k--) {
        index[k] = rest % a->shape[k], rest /= a->shape[k];
        offset += index[k] * a->strides[k];
    }
    for (int64_t done = 0; done < n;) {
        const char *from = a->data + offset;
        int64_t run = smaller(a->shape[last] - index[last], n - done), stride = a->strides[last];
        if (a->size == 1)
            for (int64_t i = 0; i < run; i++)
                to[done + i] = (REAL)(from[i * stride] != 0);
        else if (stride == (int64_t)sizeof(REAL))
            memcpy(to + done, from, (size_t)run * sizeof(REAL));
        else
            for (int64_t i = 0; i < run; i++)
                to[done + i] = *(const REAL *)(from + i * stride);
        done += run, index[last] += run, offset += run * stride;
        for (int64_t k = last; k > 0 && index[k] == a->shape[k]; k--) {
            offset += a->strides[k - 1] - index[k] * a->strides[k];
            index[k] = 0, index[k - 1]++;
        }
    }
}

/* Entries of a register go to a contiguous array. */
static void put(const array *a, int64_t first, int64_t n, const REAL *from)
{
    if (a->size == 1)
        for (int64_t i = 0; i < n; i++)
            a->data[first + i] = from[i] != 0;
    else
        memcpy(a->data + first * (int64_t)sizeof(REAL), from, (size_t)n * sizeof(REAL));
}

/* -- sums --------------------------------------------------------------------------------------- */

/* Partial sums of a block in 4 vectors; the blocks are added in double, with the rounding error beside. */
static void add_block(const REAL *x, int64_t n, double *sum)
{
    vec parts[4] = {{0}};
    double total = 0;
    int64_t i = 0;
    for (; i + 4 * LANES <= n; i += 4 * LANES)
        for (int v = 0; v < 4; v++)
            parts[v] += load(x + i + v * LANES);
    vec part = (parts[0] + parts[1]) + (parts[2] + parts[3]);
    for (int64_t k = 0; k < LANES; k++)
        total += (double)part[k];
    for (; i < n; i++)
        total += (double)x[i];
    double next = sum[0] + total, back = next - sum[0];
    sum[1] += (sum[0] - (next - back)) + (total - back);
    sum[0] = next;
}

/* -- the group ---------------------------------------------------------------------------------- */

/* A group, as the Python side lays it out: 8 bytes for each entry. */
typedef struct {
    int64_t first, last; /* the entries to compute, `last` excluded */
    const instruction *code;
    int64_t count;
    REAL *scratch; /* registers of BLOCK numbers */
    REAL **at;     /* where each register is */
    int64_t registers;
    const array *inputs, *outputs;
    int64_t n_inputs, n_outputs;
    const double *numbers; /* each fills a register */
    const int64_t *filled;
    int64_t n_numbers;
    const int64_t *summed; /* the registers that are summed */
    double *sums;          /* for each a sum and its rounding error */
    int64_t n_sums;
} group;

static void clear_flags(void)
{
#if defined(__SSE2__)
    _mm_setcsr(_mm_getcsr() & ~0x3fu);
#else
    feclearexcept(FE_ALL_EXCEPT);
#endif
}

static int64_t flags(void)
{
#if defined(__SSE2__)
    return _mm_getcsr() & 0xd; /* invalid, division by zero, overflow */
#else
    return fetestexcept(FE_INVALID | FE_DIVBYZERO | FE_OVERFLOW) != 0;
#endif
}

/* Compute the entries. Returns 0 if NumPy cannot have a warning. */
int64_t NAME(group)(const group *g)
{
    ivec odd = {0};
    clear_flags();
    for (int64_t r = 0; r < g->registers; r++)
        g->at[r] = g->scratch + r * BLOCK;
    for (int64_t k = 0; k < g->n_numbers; k++) {
        REAL *to = g->at[g->filled[k]], x = (REAL)g->numbers[k];
        for (int64_t i = 0; i < smaller(BLOCK, g->last - g->first + LANES); i++)
            to[i] = x;
    }
    for (int64_t k = 0; k < 2 * g->n_sums; k++)
        g->sums[k] = 0;
    for (int64_t start = g->first; start < g->last; start += BLOCK) {
        int64_t n = smaller(BLOCK, g->last - start), filled = (n + LANES - 1) / LANES * LANES;
        for (int64_t k = 0; k < g->n_inputs; k++) {
            const array *a = g->inputs + k;
            REAL *own = g->scratch + a->at * BLOCK;
            g->at[a->at] = own;
            if (n == filled && moves_along(a))
                g->at[a->at] = (REAL *)a->data + start;
            else
                gather(a, start, n, own);
            for (int64_t i = n; i < filled; i++)
                own[i] = own[n - 1];
        }
        for (int64_t k = 0; k < g->n_outputs; k++) {
            const array *a = g->outputs + k;
            int direct = n == filled && moves_along(a);
            g->at[a->at] = direct ? (REAL *)a->data + start : g->scratch + a->at * BLOCK;
        }
        odd |= block(g->code, g->count, g->at, filled);
        for (int64_t k = 0; k < g->n_outputs; k++) {
            const array *a = g->outputs + k;
            if (n != filled || !moves_along(a))
                put(a, start, n, g->at[a->at]);
        }
        for (int64_t k = 0; k < g->n_sums; k++)
            add_block(g->at[g->summed[k]], n, g->sums + 2 * k);
    }
    return flags() | any(odd);
}
