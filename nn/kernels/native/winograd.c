/* Winograd's convolution F(4x4, 3x3): kernels of 3x3 with stride 1, by a quarter of the products.

   A tile of 4x4 results comes from 6x6 entries of x. Along an axis, results are the coefficients of a product of
   polynomials, and these follow from its values at 6 points: 0, A, -A, B, -B and infinity. So each tile and each
   kernel is evaluated at the points of both axes; there, a convolution is a product, summed over the channels: 36
   products of matrices, which BLAS computes. The last transform interpolates. The gradient of the weights is
   the transpose of all this.

   Layout. Tiles are numbered through the tile rows of all images; a call works on some tile rows, P tiles. The
   values are (36, channels, P). A channel is gathered into 36 rows of P entries, one for each place in a tile, and
   all transforms are loops over the tiles. `P` is chosen such that the values of a call stay in the second cache.

   Points. Rounding errors grow with the powers of the points and of their inverses. With the usual points 1 and 2
   the error is 1.1e-5 of the largest result, with 5/8 and 3/2 it is 2.2e-6 (256 channels, float).

   Every entry of a tile takes part in all its results. So an inf or NaN would spoil its neighbours, too; the
   last transform tells whether there is one, and the direct kernel takes over.
*/

#include "native.h"

#include <string.h>

#define A ((REAL)0.625)
#define B ((REAL)1.5)
#define MOST 256 /* tiles of a call */

/* The planes of one kind of array, and the tile rows of a call. */
typedef struct {
    int64_t channels, size[2], before[2];
    int64_t tiles[2]; /* along each axis */
    int64_t row, rows; /* the first tile row, and their number */
} Tiles;

/* -- along one axis: n numbers each, `from` and `to` apart ----------------------------------------- */

/* Entries of x to values at the points. */
INLINE void evaluate(const REAL *restrict d, int64_t from, REAL *restrict v, int64_t to, int64_t n)
{
#pragma GCC ivdep
    for (int64_t p = 0; p < n; p++, d++, v++) {
        REAL d1 = d[from], d2 = d[2 * from], d3 = d[3 * from], d4 = d[4 * from];
        REAL even_a = d4 - B * B * d2, odd_a = A * (d3 - B * B * d1);
        REAL even_b = d4 - A * A * d2, odd_b = B * (d3 - A * A * d1);
        v[0] = A * A * B * B * d[0] - (A * A + B * B) * d2 + d4;
        v[to] = even_a + odd_a, v[2 * to] = even_a - odd_a;
        v[3 * to] = even_b + odd_b, v[4 * to] = even_b - odd_b;
        v[5 * to] = A * A * B * B * d1 - (A * A + B * B) * d3 + d[5 * from];
    }
}

/* Values of products to results. */
INLINE void interpolate(const REAL *restrict m, int64_t from, REAL *restrict y, int64_t to, int64_t n)
{
#pragma GCC ivdep
    for (int64_t p = 0; p < n; p++, m++, y++) {
        REAL even_a = m[from] + m[2 * from], odd_a = A * (m[from] - m[2 * from]);
        REAL even_b = m[3 * from] + m[4 * from], odd_b = B * (m[3 * from] - m[4 * from]);
        y[0] = m[0] + even_a + even_b;
        y[to] = odd_a + odd_b;
        y[2 * to] = A * A * even_a + B * B * even_b;
        y[3 * to] = A * A * odd_a + B * B * odd_b + m[5 * from];
    }
}

/* The transpose of `interpolate`. */
INLINE void spread(const REAL *restrict g, int64_t from, REAL *restrict m, int64_t to, int64_t n)
{
#pragma GCC ivdep
    for (int64_t p = 0; p < n; p++, g++, m++) {
        REAL g0 = g[0], g1 = g[from], g2 = g[2 * from], g3 = g[3 * from];
        REAL even_a = g0 + A * A * g2, odd_a = A * (g1 + A * A * g3);
        REAL even_b = g0 + B * B * g2, odd_b = B * (g1 + B * B * g3);
        m[0] = g0, m[5 * to] = g3;
        m[to] = even_a + odd_a, m[2 * to] = even_a - odd_a;
        m[3 * to] = even_b + odd_b, m[4 * to] = even_b - odd_b;
    }
}

/* -- tiles ----------------------------------------------------------------------------------------- */

/* The entries of all tiles of one channel: `out` gets `side` x `side` rows of P numbers. */
INLINE void gather(int side, const Tiles *s, const REAL *x, int64_t channel, REAL *restrict out)
{
    int64_t across = s->tiles[1], P = s->rows * across, height = s->size[0], width = s->size[1];
    int64_t image = s->row / s->tiles[0], a = s->row % s->tiles[0];
    int64_t count = smaller(width, 4 * across + side - 4 - s->before[1]);
    REAL line[4 * MOST + 2] = {0}; /* a row with its padding */
    for (int64_t r = 0; r < s->rows; r++, a++, out += across) {
        if (a == s->tiles[0])
            a = 0, image++;
        const REAL *plane = x + (image * s->channels + channel) * height * width;
        for (int i = 0; i < side; i++) {
            REAL *restrict to = out + i * side * P;
            int64_t h = 4 * a + i - s->before[0];
            if (h >= 0 && h < height)
                memcpy(line + s->before[1], plane + h * width, (size_t)count * sizeof(REAL));
            else
                memset(line + s->before[1], 0, (size_t)count * sizeof(REAL));
            for (int64_t b = 0; b < across; b++)
                for (int j = 0; j < side; j++)
                    to[j * P + b] = line[4 * b + j];
        }
    }
}

/* Tiles of `side` x `side` entries, transformed along both axes. */
INLINE void transform(void (*along)(const REAL *, int64_t, REAL *, int64_t, int64_t), int side, const Tiles *s,
                      const REAL *x, REAL *values)
{
    REAL entries[36 * MOST], half[36 * MOST];
    int64_t P = s->rows * s->tiles[1];
    for (int64_t c = 0; c < s->channels; c++, values += P) {
        gather(side, s, x, c, entries);
        along(entries, side * P, half, side * P, side * P);
        for (int64_t i = 0; i < 6; i++)
            along(half + i * side * P, P, values + i * 6 * s->channels * P, s->channels * P, P);
    }
}

/* The values of x at the points, and those of the cotangent g of the results. */
void NAME(winograd_values)(const Tiles *s, const REAL *x, REAL *values) { transform(evaluate, 6, s, x, values); }
void NAME(winograd_spread)(const Tiles *s, const REAL *g, REAL *values) { transform(spread, 4, s, g, values); }

/* The results y from the values of the products, plus the bias; whether a result is inf or NaN. */
int64_t NAME(winograd_results)(const Tiles *s, const REAL *values, const REAL *bias, REAL *y)
{
    REAL half[24 * MOST], tiles[16 * MOST];
    int64_t across = s->tiles[1], P = s->rows * across, height = s->size[0], width = s->size[1], strange = 0;
    for (int64_t c = 0; c < s->channels; c++, values += P) {
        for (int64_t j = 0; j < 6; j++)
            interpolate(values + j * s->channels * P, 6 * s->channels * P, half + j * P, 6 * P, P);
        for (int64_t i = 0; i < 4; i++)
            interpolate(half + i * 6 * P, P, tiles + i * 4 * P, P, P);
        REAL b = bias ? bias[c] : 0;
        int odd = 0;
        for (int64_t p = 0; p < 16 * P; p++)
            tiles[p] += b, odd |= tiles[p] - tiles[p] != 0;
        strange |= odd;
        for (int64_t r = 0; r < s->rows; r++) {
            int64_t image = (s->row + r) / s->tiles[0], top = (s->row + r) % s->tiles[0] * 4;
            REAL *plane = y + (image * s->channels + c) * height * width;
            for (int64_t i = 0; i < 4 && top + i < height; i++) {
                REAL *to = plane + (top + i) * width;
                const REAL *from = tiles + i * 4 * P + r * across;
                for (int64_t b = 0; b < width / 4; b++)
                    for (int j = 0; j < 4; j++)
                        to[4 * b + j] = from[j * P + b];
                for (int64_t w = width / 4 * 4; w < width; w++)
                    to[w] = from[w % 4 * P + w / 4];
            }
        }
    }
    return strange;
}
