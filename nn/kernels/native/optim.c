/* Steps of optimizers: one pass over parameter, gradient and state, where NumPy makes one pass per operation.

   Layout. All arrays of a step are contiguous and have the same n entries, so a step is one loop. It is bound
   by memory: Adam reads four arrays and writes three, and NumPy's ten operations move 26. The compiler turns
   the loop into vectors by itself, as no entry depends on another one. The new value goes into a new array,
   so that values on a tape do not change. The numbers arrive as double and are rounded to the type of the
   arrays, as NumPy rounds Python's numbers.
*/

#include "native.h"

#include <math.h>

#define SQRT(x) _Generic((x), float: sqrtf, double: sqrt)(x)

/* x - rate g. */
void NAME(descend)(int64_t n, const REAL *restrict x, const REAL *restrict g, REAL *restrict next, double rate)
{
    REAL down = (REAL)-rate;
    for (int64_t i = 0; i < n; i++)
        next[i] = g[i] * down + x[i];
}

/* v <- momentum v + part g, and x - rate v; with Nesterov's look ahead x - rate (g + momentum v). */
void NAME(descend_with_momentum)(int64_t n, const REAL *restrict x, const REAL *restrict g, REAL *restrict v,
                                 REAL *restrict next, double momentum, double part, double rate, int64_t nesterov)
{
    REAL keep = (REAL)momentum, add = (REAL)part, down = (REAL)-rate;
    if (nesterov)
        for (int64_t i = 0; i < n; i++) {
            v[i] = v[i] * keep + add * g[i];
            next[i] = (g[i] + keep * v[i]) * down + x[i];
        }
    else
        for (int64_t i = 0; i < n; i++) {
            v[i] = v[i] * keep + add * g[i];
            next[i] = v[i] * down + x[i];
        }
}

/* m and v approach g and g^2 by the parts given; then x - rate m / (sqrt(v) + eps). */
void NAME(adam)(int64_t n, const REAL *restrict x, const REAL *restrict g, REAL *restrict m, REAL *restrict v,
                REAL *restrict next, double part1, double beta2, double part2, double eps, double rate)
{
    REAL add1 = (REAL)part1, keep2 = (REAL)beta2, add2 = (REAL)part2, small = (REAL)eps, down = (REAL)-rate;
    for (int64_t i = 0; i < n; i++) {
        m[i] += (g[i] - m[i]) * add1;
        v[i] = v[i] * keep2 + g[i] * g[i] * add2;
        next[i] = m[i] / (SQRT(v[i]) + small) * down + x[i];
    }
}

/* The same with the largest v so far in the place of v. The comparison lets NaN in, as NumPy's maximum does. */
void NAME(amsgrad)(int64_t n, const REAL *restrict x, const REAL *restrict g, REAL *restrict m, REAL *restrict v,
                   REAL *restrict largest, REAL *restrict next, double part1, double beta2, double part2, double eps,
                   double rate)
{
    REAL add1 = (REAL)part1, keep2 = (REAL)beta2, add2 = (REAL)part2, small = (REAL)eps, down = (REAL)-rate;
    for (int64_t i = 0; i < n; i++) {
        m[i] += (g[i] - m[i]) * add1;
        v[i] = v[i] * keep2 + g[i] * g[i] * add2;
        largest[i] = v[i] <= largest[i] ? largest[i] : v[i];
        next[i] = m[i] / (SQRT(largest[i]) + small) * down + x[i];
    }
}

/* m and v as in Adam; then x - (of_g g + of_m m) / (sqrt(v) + eps). */
void NAME(nadam)(int64_t n, const REAL *restrict x, const REAL *restrict g, REAL *restrict m, REAL *restrict v,
                 REAL *restrict next, double part1, double beta2, double part2, double eps, double of_g, double of_m)
{
    REAL add1 = (REAL)part1, keep2 = (REAL)beta2, add2 = (REAL)part2, small = (REAL)eps;
    REAL rate_g = (REAL)of_g, rate_m = (REAL)of_m;
    for (int64_t i = 0; i < n; i++) {
        m[i] += (g[i] - m[i]) * add1;
        v[i] = v[i] * keep2 + g[i] * g[i] * add2;
        next[i] = x[i] - (rate_g * g[i] + rate_m * m[i]) / (SQRT(v[i]) + small);
    }
}

/* m approaches g, and u becomes max(beta2 u, |g| + eps); then x - rate m / u. */
void NAME(adamax)(int64_t n, const REAL *restrict x, const REAL *restrict g, REAL *restrict m, REAL *restrict u,
                  REAL *restrict next, double part1, double beta2, double eps, double rate)
{
    REAL add1 = (REAL)part1, keep2 = (REAL)beta2, small = (REAL)eps, step = (REAL)rate;
    for (int64_t i = 0; i < n; i++) {
        REAL before = keep2 * u[i], now = (g[i] < 0 ? -g[i] : g[i]) + small;
        m[i] += (g[i] - m[i]) * add1;
        u[i] = now <= before || before != before ? before : now;
        next[i] = x[i] - step * m[i] / u[i];
    }
}

/* s grows by g^2; then x - rate g / (sqrt(s) + eps). */
void NAME(adagrad)(int64_t n, const REAL *restrict x, const REAL *restrict g, REAL *restrict s,
                   REAL *restrict next, double eps, double rate)
{
    REAL small = (REAL)eps, step = (REAL)rate;
    for (int64_t i = 0; i < n; i++) {
        s[i] += g[i] * g[i];
        next[i] = x[i] - step * g[i] / (SQRT(s[i]) + small);
    }
}

/* s approaches g^2, and d the squares of the steps g sqrt(d + eps) / sqrt(s + eps). */
void NAME(adadelta)(int64_t n, const REAL *restrict x, const REAL *restrict g, REAL *restrict s, REAL *restrict d,
                    REAL *restrict next, double rho, double part, double eps, double rate)
{
    REAL keep = (REAL)rho, add = (REAL)part, small = (REAL)eps, step = (REAL)rate;
    for (int64_t i = 0; i < n; i++) {
        s[i] = s[i] * keep + g[i] * g[i] * add;
        REAL delta = SQRT(d[i] + small) / SQRT(s[i] + small) * g[i];
        d[i] = d[i] * keep + delta * delta * add;
        next[i] = x[i] - step * delta;
    }
}

/* s approaches g^2, and c, if it is there, approaches g; then d = g / (sqrt(s - c^2) + eps), or g / (sqrt(s) + eps).
   If v is there, v <- momentum v + d takes the place of d. Then x - rate d. */
INLINE void rms_step(int centered, int moving, int64_t n, const REAL *restrict x, const REAL *restrict g,
                     REAL *restrict s, REAL *restrict c, REAL *restrict v, REAL *restrict next, REAL keep, REAL add,
                     REAL small, REAL momentum, REAL down)
{
    for (int64_t i = 0; i < n; i++) {
        REAL square = s[i] = s[i] * keep + g[i] * g[i] * add;
        if (centered) {
            c[i] += (g[i] - c[i]) * add;
            square -= c[i] * c[i];
        }
        REAL d = g[i] / (SQRT(square) + small);
        if (moving)
            d = v[i] = v[i] * momentum + d;
        next[i] = d * down + x[i];
    }
}

void NAME(rmsprop)(int64_t n, const REAL *x, const REAL *g, REAL *s, REAL *c, REAL *v, REAL *next, double alpha,
                   double part, double eps, double momentum, double rate)
{
    REAL keep = (REAL)alpha, add = (REAL)part, small = (REAL)eps, down = (REAL)-rate, mass = (REAL)momentum;
    if (c && v)
        rms_step(1, 1, n, x, g, s, c, v, next, keep, add, small, mass, down);
    else if (c)
        rms_step(1, 0, n, x, g, s, c, v, next, keep, add, small, mass, down);
    else if (v)
        rms_step(0, 1, n, x, g, s, c, v, next, keep, add, small, mass, down);
    else
        rms_step(0, 0, n, x, g, s, c, v, next, keep, add, small, mass, down);
}

/* The sum of squares, for the norm of a gradient. In double no square of a float overflows or vanishes. Blocks of
   partial sums keep a long sum as exact as a short one. */
void NAME(sum_of_squares)(int64_t n, const REAL *x, double *sum)
{
    *sum = 0;
    for (int64_t i = 0; i < n;) {
        double parts[16] = {0}, total = 0;
        int64_t end = i + smaller(n - i, 4096);
        for (; end - i >= 16; i += 16)
            for (int k = 0; k < 16; k++)
                parts[k] += (double)x[i + k] * (double)x[i + k];
        for (; i < end; i++)
            parts[0] += (double)x[i] * (double)x[i];
        for (int k = 0; k < 16; k++)
            total += parts[k];
        *sum += total;
    }
}
