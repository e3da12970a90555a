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

/* s approaches g^2; then x - rate g / (sqrt(s) + eps). */
void NAME(rmsprop)(int64_t n, const REAL *restrict x, const REAL *restrict g, REAL *restrict s,
                   REAL *restrict next, double alpha, double part, double eps, double rate)
{
    REAL keep = (REAL)alpha, add = (REAL)part, small = (REAL)eps, down = (REAL)-rate;
    for (int64_t i = 0; i < n; i++) {
        s[i] = s[i] * keep + g[i] * g[i] * add;
        next[i] = g[i] / (SQRT(s[i]) + small) * down + x[i];
    }
}
