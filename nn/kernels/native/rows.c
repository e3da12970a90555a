/* Functions along rows: softmax and log-softmax with their ways back, and the cross-entropy of targets.

   Layout. x is (rows, n), and each row is a vector of scores. All sweeps over one row follow each other, so a row
   comes from memory once and then stays in the first cache; NumPy sweeps over the whole array each time.

   Shifts. exp(x - shift) must not overflow. The difference of two scores is rounded, and the exponential
   magnifies this error. If the largest score is moderate, the softmax shifts by 0; otherwise by an integer, and
   the difference is exact. Rows of -inf alone have no softmax; the caller says what is written there.

   Causal rows. With a `period`, x is a stack of blocks of `period` rows. Row i of each block sees the entries
   0 to first + i. The others count as -inf.
*/

#include "sums.h"
#include "vmath.h"

#include <math.h>
#include <string.h>

/* The largest entry that is not NaN; -inf if there is none. */
static REAL largest(const REAL *x, int64_t n)
{
    REAL top[4 * LANES], found = (REAL)-INFINITY;
    int64_t i = 0;
    for (int64_t k = 0; k < 4 * LANES; k++)
        top[k] = found;
    for (; n - i >= 4 * LANES; i += 4 * LANES)
        for (int64_t k = 0; k < 4 * LANES; k++)
            top[k] = x[i + k] > top[k] ? x[i + k] : top[k];
    for (; n - i >= LANES; i += LANES)
        for (int64_t k = 0; k < LANES; k++)
            top[k] = x[i + k] > top[k] ? x[i + k] : top[k];
#pragma GCC unroll 6
    for (int64_t half = 2 * LANES; half; half /= 2)
        for (int64_t k = 0; k < half; k++)
            top[k] = top[k + half] > top[k] ? top[k + half] : top[k];
    for (found = top[0]; i < n; i++)
        found = x[i] > found ? x[i] : found;
    return found;
}

/* The rows that are worked on together: short rows, so that few vectors of exponentials are not full. */
static int64_t together(int64_t n) { return larger(BLOCK / n, 1); }

/* y = x - shift. */
static void subtract(const REAL *x, REAL *y, int64_t n, REAL shift)
{
    for (int64_t i = 0; i < n; i++)
        y[i] = x[i] - shift;
}

/* exp(x). Where it is 0, as for -inf in a mask, the products of `exp_of` would underflow, which takes the
   processor a hundred cycles. */
INLINE vec weight_of(vec x)
{
    ivec none = x < ONE_OF(-745.2, -103.98);
    return choose(none, all(0), exp_of(choose(none, all(0), x)));
}

/* y <- exp(y). */
static void exponentials(REAL *y, int64_t n)
{
    int64_t i = 0;
    for (; n - i >= LANES; i += LANES)
        store(y + i, weight_of(load(y + i)));
    if (i < n) {
        REAL rest[LANES] = {0};
        memcpy(rest, y + i, (size_t)(n - i) * sizeof(REAL));
        store(rest, weight_of(load(rest)));
        memcpy(y + i, rest, (size_t)(n - i) * sizeof(REAL));
    }
}

/* -- softmax --------------------------------------------------------------------------------------- */

/* 0, or an integer for which exp(top - shift) does not overflow and is not small. */
static REAL shift_of(REAL top)
{
    double room = (sizeof(REAL) == 4 ? 88.7 : 709.7) - 30;
    double shift = rint((top < 0 ? top : 0) + (top > room ? top - room : 0));
    return isfinite(shift) ? (REAL)shift : 0;
}

/* y = softmax of the rows `row` to `end` of x, which may be y itself; `empty` in rows of -inf. */
void NAME(softmax)(const REAL *x, REAL *y, int64_t n, int64_t row, int64_t end, int64_t period, int64_t first,
                   double empty)
{
    for (int64_t last; row < end; row = last) {
        last = smaller(row + together(n), end);
        for (int64_t r = row; r < last; r++) {
            const REAL *from = x + r * n;
            REAL *to = y + r * n;
            int64_t seen = period ? smaller(first + r % period + 1, n) : n;
            if (from != to)
                memcpy(to, from, (size_t)seen * sizeof(REAL));
            for (int64_t i = seen; i < n; i++)
                to[i] = (REAL)-INFINITY;
            subtract(to, to, n, shift_of(largest(to, n)));
        }
        exponentials(y + row * n, (last - row) * n);
        for (REAL *to = y + row * n; to < y + last * n; to += n) {
            REAL total = (REAL)sum_of(to, n);
            for (int64_t i = 0; i < n; i++)
                to[i] = total == 0 ? (REAL)empty : to[i] / total;
        }
    }
}

/* An entry p above 1/2 loses digits in 1 - p. The cotangents of a row add up to 0, so the entry gets minus the
   sum of the others. */
static void balance(const REAL *p, REAL *gx, int64_t n)
{
    if (!(largest(p, n) > (REAL)0.5))
        return;
    int64_t large = 0;
    while (!(p[large] > (REAL)0.5))
        large++;
    gx[large] = 0;
    gx[large] = (REAL)-sum_of(gx, n);
}

/* gx = y (g - sum of g y) in the rows `row` to `end`; gx may be g. */
void NAME(softmax_backward)(const REAL *g, const REAL *y, REAL *gx, int64_t n, int64_t row, int64_t end)
{
    for (; row < end; row++) {
        const REAL *of_g = g + row * n, *p = y + row * n;
        REAL *to = gx + row * n, mean = (REAL)dot(of_g, p, n);
        for (int64_t i = 0; i < n; i++)
            to[i] = p[i] * (of_g[i] - mean);
        balance(p, to, n);
    }
}

/* -- log-softmax ----------------------------------------------------------------------------------- */

/* y = x - log(sum of exp(x)). The largest entries add 1 each, and log1p takes the sum without one of them. */
void NAME(log_softmax)(const REAL *x, REAL *y, int64_t n, int64_t row, int64_t end)
{
    for (; row < end; row++) {
        const REAL *from = x + row * n;
        REAL *to = y + row * n, top = largest(from, n), shift = isfinite(top) ? top : 0;
        int ties = 0;
        for (int64_t i = 0; i < n; i++)
            ties += from[i] == shift;
        for (int64_t i = 0; i < n; i++)
            to[i] = from[i] == shift ? (REAL)-INFINITY : from[i] - shift;
        exponentials(to, n);
        REAL log_total = (REAL)log1p(sum_of(to, n) + (ties - 1));
        for (int64_t i = 0; i < n; i++)
            to[i] = from[i] - shift - log_total;
    }
}

/* gx = g - p (sum of g), with p = softmax(x); gx may be g. */
void NAME(log_softmax_backward)(const REAL *g, const REAL *p, REAL *gx, int64_t n, int64_t row, int64_t end)
{
    for (; row < end; row++) {
        const REAL *of_g = g + row * n, *of_p = p + row * n;
        REAL *to = gx + row * n, total = (REAL)sum_of(of_g, n);
        for (int64_t i = 0; i < n; i++)
            to[i] = of_g[i] - of_p[i] * total;
        balance(of_p, to, n);
    }
}

/* -- cross-entropy --------------------------------------------------------------------------------- */

/* The losses log(sum of exp(x)) - x[target] of the rows `row` to `end`. e gets the exponentials, with 0 for the
   target; `others` their sum, and `sums` the sum with the target. */
void NAME(target_losses)(const REAL *x, const int64_t *targets, REAL *losses, REAL *e, REAL *others, REAL *sums,
                         int64_t n, int64_t row, int64_t end)
{
    for (int64_t last; row < end; row = last) {
        last = smaller(row + together(n), end);
        for (int64_t r = row; r < last; r++) {
            REAL top = largest(x + r * n, n);
            subtract(x + r * n, e + r * n, n, top == (REAL)-INFINITY ? 0 : top);
            losses[r] = e[r * n + targets[r]];
        }
        exponentials(e + row * n, (last - row) * n);
        for (int64_t r = row; r < last; r++) {
            REAL own = e[r * n + targets[r]];
            e[r * n + targets[r]] = 0;
            REAL rest = others[r] = (REAL)sum_of(e + r * n, n);
            sums[r] = rest + own;
            /* A sure and right network has a small loss, which is exact without the 1 of p = 1. */
            losses[r] = (REAL)(own > rest ? log1p((double)rest / (double)own)
                                          : log((double)rest + (double)own) - (double)losses[r]);
        }
    }
}

/* g p for the classes of each row, and g (p - 1) for the target. */
void NAME(target_losses_backward)(const REAL *g, const REAL *e, const REAL *others, const REAL *sums,
                                  const int64_t *targets, REAL *gx, int64_t n, int64_t row, int64_t end)
{
    for (; row < end; row++) {
        const REAL *from = e + row * n;
        REAL *to = gx + row * n, part = g[row] / sums[row];
        for (int64_t i = 0; i < n; i++)
            to[i] = from[i] * part;
        to[targets[row]] = -others[row] * part;
    }
}
