/* Standardization: y = (x - mean) scale, with scale = 1 / sqrt(variance + eps).

   Layout. x is (outer, groups, inner): each group has its own mean and variance over the two other axes. Batch
   norm of images has the channels as groups; layer and group norm have outer = 1. All sweeps over one group
   follow each other, so that a group that fits the second cache comes from memory once and goes back once.
   NumPy sweeps over the whole array each time.

   Sums. A sum is taken in blocks of BLOCK entries: 4 vectors hold partial sums, and the blocks are added in
   double. So no float adds up more than BLOCK / 4 / lanes entries, and a long sum is as exact as a short one.
   The variance is the mean of squares of differences from the mean, never a difference of two large numbers.
*/

#include "native.h"

#include <math.h>

#define BLOCK 1024
#define STEP (4 * LANES)

static double across(const vec *sums)
{
    vec sum = (sums[0] + sums[1]) + (sums[2] + sums[3]);
    double total = 0;
    for (int64_t i = 0; i < LANES; i++)
        total += (double)sum[i];
    return total;
}

/* Sum of a[i]. */
static double sum_of(const REAL *a, int64_t n)
{
    double total = 0;
    while (n >= STEP) {
        vec sums[4] = {{0}};
        int64_t length = smaller(n / STEP * STEP, BLOCK);
        for (int64_t i = 0; i < length; i += STEP)
            for (int v = 0; v < 4; v++)
                sums[v] += load(a + i + v * LANES);
        total += across(sums);
        a += length, n -= length;
    }
    for (int64_t i = 0; i < n; i++)
        total += (double)a[i];
    return total;
}

/* Sum of a[i] b[i]. */
static double dot(const REAL *a, const REAL *b, int64_t n)
{
    double total = 0;
    while (n >= STEP) {
        vec sums[4] = {{0}};
        int64_t length = smaller(n / STEP * STEP, BLOCK);
        for (int64_t i = 0; i < length; i += STEP)
            for (int v = 0; v < 4; v++)
                sums[v] += load(a + i + v * LANES) * load(b + i + v * LANES);
        total += across(sums);
        a += length, b += length, n -= length;
    }
    for (int64_t i = 0; i < n; i++)
        total += (double)a[i] * (double)b[i];
    return total;
}

/* The groups `first` to `last` of x; the scale of each group goes to `scales`. */
void NAME(standardize)(const REAL *x, REAL *y, REAL *scales, int64_t outer, int64_t groups, int64_t inner,
                       int64_t first, int64_t last, double eps)
{
    double count = (double)outer * (double)inner;
    for (int64_t group = first; group < last; group++) {
        double sum = 0, squares = 0;
        for (int64_t n = 0; n < outer; n++)
            sum += sum_of(x + (n * groups + group) * inner, inner);
        REAL mean = (REAL)(sum / count);
        for (int64_t n = 0; n < outer; n++) {
            const REAL *from = x + (n * groups + group) * inner;
            REAL *to = y + (n * groups + group) * inner;
            for (int64_t i = 0; i < inner; i++)
                to[i] = from[i] - mean;
            squares += dot(to, to, inner);
        }
        REAL scale = scales[group] = (REAL)(1 / sqrt(squares / count + eps));
        for (int64_t n = 0; n < outer; n++) {
            REAL *to = y + (n * groups + group) * inner;
            for (int64_t i = 0; i < inner; i++)
                to[i] *= scale;
        }
    }
}

/* (g - mean of g - y (mean of g y - mean of g mean of y)) scale. The mean of y is 0 up to rounding; a large
   mean of g would magnify this error, so it is taken out. */
void NAME(standardize_backward)(const REAL *g, const REAL *y, const REAL *scales, REAL *gx, int64_t outer,
                                int64_t groups, int64_t inner, int64_t first, int64_t last)
{
    double count = (double)outer * (double)inner;
    for (int64_t group = first; group < last; group++) {
        double of_g = 0, of_y = 0, of_both = 0;
        for (int64_t n = 0; n < outer; n++) {
            int64_t at = (n * groups + group) * inner;
            of_g += sum_of(g + at, inner);
            of_y += sum_of(y + at, inner);
            of_both += dot(g + at, y + at, inner);
        }
        REAL mean = (REAL)(of_g / count), scale = scales[group];
        REAL slope = (REAL)(of_g / count * (of_y / count) - of_both / count);
        for (int64_t n = 0; n < outer; n++) {
            int64_t at = (n * groups + group) * inner;
            for (int64_t i = at; i < at + inner; i++)
                gx[i] = (y[i] * slope + g[i] - mean) * scale;
        }
    }
}
