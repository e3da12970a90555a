/* Standardization: y = (x - mean) scale, with scale = 1 / sqrt(variance + eps).

   Layout. x is (outer, groups, inner): each group has its own mean and variance over the two other axes. Batch
   norm of images has the channels as groups; layer and group norm have outer = 1. All sweeps over one group
   follow each other, so that a group that fits the second cache comes from memory once and goes back once.
   NumPy sweeps over the whole array each time.

   Rows with weights, as in layer norm: the row is scaled while it is in the first cache. On the way back, the sums
   over the rows, dw and db, are kept in double.

   Sums are those of `sums.h`. The variance is the mean of squares of differences from the mean, never a
   difference of two large numbers.
*/

#include "sums.h"

#include <math.h>

/* The groups `first` to `last` of x; the scale of each group goes to `scales`. With weights, out = y w + b. */
void NAME(standardize)(const REAL *x, REAL *y, REAL *scales, const REAL *w, const REAL *b, REAL *out,
                       int64_t outer, int64_t groups, int64_t inner, int64_t first, int64_t last, double eps)
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
            for (int64_t i = 0; w && i < inner; i++)
                out[(n * groups + group) * inner + i] = to[i] * w[group] + b[group];
        }
    }
}

/* The mean and the sum of squared differences from it, for the groups `first` to `last` of x. */
void NAME(moments)(const REAL *x, double *means, double *sums, int64_t outer, int64_t groups, int64_t inner,
                   int64_t first, int64_t last)
{
    for (int64_t group = first; group < last; group++) {
        double sum = 0, squares = 0;
        for (int64_t n = 0; n < outer; n++)
            sum += sum_of(x + (n * groups + group) * inner, inner);
        REAL d[BLOCK], mean = (REAL)(means[group] = sum / ((double)outer * (double)inner));
        for (int64_t n = 0; n < outer; n++)
            for (int64_t i = 0; i < inner; i += BLOCK) {
                const REAL *from = x + (n * groups + group) * inner + i;
                int64_t count = smaller(inner - i, BLOCK);
                for (int64_t k = 0; k < count; k++)
                    d[k] = from[k] - mean;
                squares += dot(d, d, count);
            }
        sums[group] = squares;
    }
}

/* (g - mean of g - y (mean of g y - mean of g mean of y)) scale. The mean of y is 0 up to rounding; a large
   mean of g would magnify this error, so it is taken out. The sums of g y and of g, which are the cotangents of
   weights and biases, go to dw and db if they are wanted. */
void NAME(standardize_backward)(const REAL *g, const REAL *y, const REAL *scales, REAL *gx, REAL *dw, REAL *db,
                                int64_t outer, int64_t groups, int64_t inner, int64_t first, int64_t last)
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
        if (dw)
            dw[group] = (REAL)of_both, db[group] = (REAL)of_g;
        REAL mean = (REAL)(of_g / count), scale = scales[group];
        REAL slope = (REAL)(of_g / count * (of_y / count) - of_both / count);
        for (int64_t n = 0; n < outer; n++) {
            int64_t at = (n * groups + group) * inner;
            for (int64_t i = at; i < at + inner; i++)
                gx[i] = (y[i] * slope + g[i] - mean) * scale;
        }
    }
}

/* z = the standardized rows `first` to `last` of x (rows, n), and y = z w + b; b may be a null pointer. */
void NAME(normalize_rows)(const REAL *x, const REAL *w, const REAL *b, REAL *z, REAL *y, REAL *scales, int64_t n,
                          int64_t first, int64_t last, double eps)
{
    for (int64_t row = first; row < last; row++) {
        const REAL *from = z + row * n;
        REAL *to = y + row * n;
        NAME(standardize)(x + row * n, z + row * n, scales + row, 0, 0, 0, 1, 1, n, 0, 1, eps);
        if (b)
            for (int64_t i = 0; i < n; i++)
                to[i] = from[i] * w[i] + b[i];
        else
            for (int64_t i = 0; i < n; i++)
                to[i] = from[i] * w[i];
    }
}

/* gx of the rows `first` to `last`; their sums of g z and g are added to dw and db. `gz` has room for a row. */
void NAME(normalize_rows_backward)(const REAL *g, const REAL *w, const REAL *z, const REAL *scales, REAL *gz,
                                   REAL *gx, double *dw, double *db, int64_t n, int64_t first, int64_t last)
{
    for (int64_t row = first; row < last; row++) {
        const REAL *of_g = g + row * n, *of_z = z + row * n;
        for (int64_t i = 0; i < n; i++) {
            gz[i] = of_g[i] * w[i];
            dw[i] += (double)of_g[i] * (double)of_z[i];
            db[i] += (double)of_g[i];
        }
        NAME(standardize_backward)(gz, of_z, scales + row, gx + row * n, 0, 0, 1, 1, n, 0, 1);
    }
}
