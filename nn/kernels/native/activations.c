/* Activation functions: GELU by the normal distribution and by tanh, SiLU and the logistic function, forward
   and backward. Each is one pass over an array, with all steps of a formula in registers; NumPy takes a pass
   for each step.

   Layout. x, y and the cotangents g and gx are flat. A call works on the entries `from` to `end`, so threads
   share an array. `which` counts the formulas in the order of FORMULAS in activations.py.

   Tails. P(z < -x) = e^(-x^2 / 2) R(x) for a standard normal z and x >= 0, where R (Mills' ratio divided by
   sqrt(2 pi)) falls slowly and has no cancellation. R is a ratio of two polynomials with positive coefficients,
   found with 60 digits; its relative error is 1.1e-17, and 8e-9 in float. All formulas multiply the small factor
   of an exponential last: then a large cotangent comes before the result can become subnormal.

   Exponents. The rounding error of x^2 would count x^2 / 2 times. `gauss` squares a rounded x, without error,
   and the rest of the exponent is small. The exponent of the tanh form is a polynomial in x; its error remains.
*/

#include "vmath.h"

#include <string.h>

#define ROOT_2_PI ((REAL)0.39894228040143268) /* 1 / sqrt(2 pi) */

/* R above and below the fraction bar, the lowest power first. */
static const REAL ABOVE[] = {
    0.5, 0.8112864803244103, 0.6536713934822382, 0.3373513982591501, 0.12225382478338168,
    0.03234143052930937, 0.006313295057022849, 0.0008985196653089093, 8.949191084761256e-05,
    5.664725682819871e-06, 1.747380588118167e-07};
static const REAL BELOW[] = {
    1.0, 2.420457521451686, 2.738588473409947, 1.9155130173865675, 0.9223202375998961,
    0.32182569771011144, 0.08329180090233021, 0.016048530822683673, 0.002266454160444634,
    0.00022476095743185148, 1.4199361564669383e-05, 4.3800335887144717e-07};
static const REAL FLOAT_ABOVE[] = {
    0.5000000021756479, 0.43867425738206206, 0.18347186143016864, 0.04070006147737858,
    0.004122528203069215};
static const REAL FLOAT_BELOW[] = {
    1.0, 1.6752334168384364, 1.2035824337408796, 0.4700843052336978, 0.10202606508008999,
    0.01033353410301861};

/* e^-x for x >= 0. Beyond every exponent that a cotangent could make up for, it is 0: so is then its product with
   any number but inf. */
INLINE power decaying(vec x)
{
    power e = exponential(-x);
    e.half = choose(x > ONE_OF(1416, 174), all(0), e.half);
    return e;
}

/* -- the normal distribution ------------------------------------------------------------------------- */

/* Farther out, e^(-x^2 / 2) is 0. */
#define FAREST ONE_OF(53, 18)

INLINE vec clipped(vec x) { return choose(absolute(x) > FAREST, copysigned(all(FAREST), x), x); }

/* e^(-x^2 / 2). */
INLINE power gauss(vec x)
{
    ivec k;
    vec near = smaller_of(absolute(x), all(FAREST)), unit = all(ONE_OF(0x1p20, 0x1p6));
    vec head = rounded(near * unit, &k) / unit, rest = (head - near) * (head + near) * (REAL)0.5;
    power e = exponential(-head * head * (REAL)0.5);
    e.value += e.value * small_expm1(rest);
    e.half = choose(absolute(x) > FAREST, all(0), e.half);
    return e;
}

/* R(|x|), with P(z < -|x|) = e^(-x^2 / 2) R(|x|). */
INLINE vec mills(vec x)
{
    vec near = smaller_of(absolute(x), all(FAREST));
    return DOUBLE ? series(near, ABOVE, 11) / series(near, BELOW, 12)
                  : series(near, FLOAT_ABOVE, 5) / series(near, FLOAT_BELOW, 6);
}

/* x P(z < x). */
INLINE vec gelu(vec x)
{
    power e = gauss(x);
    vec tail = mills(x) * e.value, above = x * (1 - tail * e.half * e.rest);
    return choose(x > 0, above, x * tail * e.half * e.rest);
}

/* g (P(z < x) + x e^(-x^2 / 2) / sqrt(2 pi)). */
INLINE vec gelu_back(vec g, vec x)
{
    power e = gauss(x);
    vec r = mills(x), slope = clipped(x) * ROOT_2_PI;
    vec above = g * (1 + (slope - r) * e.value * e.half * e.rest);
    return choose(x > 0, above, g * ((slope + r) * e.value) * e.half * e.rest);
}

/* -- the logistic function --------------------------------------------------------------------------- */

/* a / (1 + e^-x), which is a e^x / (1 + e^x) where x < 0. */
INLINE vec times_logistic(vec a, vec x)
{
    power e = decaying(absolute(x));
    vec below = 1 + e.value * e.half * e.rest;
    return choose(x >= 0, a / below, a * (e.value / below) * e.half * e.rest);
}

INLINE vec sigmoid(vec x) { return times_logistic(all(1), x); }

/* g / ((1 + e^x) (1 + e^-x)). */
INLINE vec sigmoid_back(vec g, vec x)
{
    power e = decaying(absolute(x));
    vec below = 1 + e.value * e.half * e.rest;
    return g * (e.value / (below * below)) * e.half * e.rest;
}

/* g d/dx (x s(v)) = g (s + x v' s (1 - s)), for the logistic function s; `rate` is x v'. */
INLINE vec gated_back(vec g, vec v, vec rate)
{
    power e = decaying(absolute(v));
    vec small = e.value * e.half * e.rest, below = 1 + small, square = below * below;
    vec above = g * ((below + rate * small) / square);
    return choose(v >= 0, above, g * ((below + rate) / square * e.value) * e.half * e.rest);
}

INLINE vec silu(vec x) { return times_logistic(x, x); }
INLINE vec silu_back(vec g, vec x) { return gated_back(g, x, x); }

#define INNER ((REAL)1.5957691216057307) /* 2 sqrt(2 / pi) */
#define CUBIC ((REAL)0.071354816272600247) /* the same, times 0.044715 */

/* x (1 + tanh u) / 2 = x s(2 u), with 2 u = x (INNER + CUBIC x^2). Far out s is 0 or 1, whatever x is. */
INLINE vec inner(vec x) { return x * (INNER + CUBIC * x * x); }

INLINE vec gelu_tanh(vec x) { return times_logistic(x, inner(clipped(x))); }

INLINE vec gelu_tanh_back(vec g, vec x)
{
    vec near = clipped(x);
    return gated_back(g, inner(near), near * (INNER + 3 * CUBIC * near * near));
}


/* -- sweeps ------------------------------------------------------------------------------------------ */

INLINE void forward(vec (*f)(vec), const REAL *x, REAL *y, int64_t n)
{
    int64_t i = 0;
    for (; n - i >= LANES; i += LANES)
        store(y + i, f(load(x + i)));
    if (i < n) {
        REAL last[LANES] = {0};
        memcpy(last, x + i, (size_t)(n - i) * sizeof(REAL));
        store(last, f(load(last)));
        memcpy(y + i, last, (size_t)(n - i) * sizeof(REAL));
    }
}

INLINE void backward(vec (*f)(vec, vec), const REAL *g, const REAL *x, REAL *gx, int64_t n)
{
    int64_t i = 0;
    for (; n - i >= LANES; i += LANES)
        store(gx + i, f(load(g + i), load(x + i)));
    if (i < n) {
        REAL last_g[LANES] = {0}, last[LANES] = {0};
        memcpy(last_g, g + i, (size_t)(n - i) * sizeof(REAL));
        memcpy(last, x + i, (size_t)(n - i) * sizeof(REAL));
        store(last, f(load(last_g), load(last)));
        memcpy(gx + i, last, (size_t)(n - i) * sizeof(REAL));
    }
}

/* y = f(x) in the entries `from` to `end`. */
void NAME(activate)(const REAL *x, REAL *y, int64_t which, int64_t from, int64_t end)
{
    x += from, y += from, end -= from;
    switch (which) {
    case 0: forward(gelu, x, y, end); break;
    case 1: forward(gelu_tanh, x, y, end); break;
    case 2: forward(silu, x, y, end); break;
    case 3: forward(sigmoid, x, y, end); break;
    }
}

/* gx = g f'(x) in the entries `from` to `end`. */
void NAME(activate_backward)(const REAL *g, const REAL *x, REAL *gx, int64_t which, int64_t from, int64_t end)
{
    g += from, x += from, gx += from, end -= from;
    switch (which) {
    case 0: backward(gelu_back, g, x, gx, end); break;
    case 1: backward(gelu_tanh_back, g, x, gx, end); break;
    case 2: backward(silu_back, g, x, gx, end); break;
    case 3: backward(sigmoid_back, g, x, gx, end); break;
    }
}
