/* Sums of a row: 4 vectors hold partial sums of a block, and the blocks are added in double. No float adds up
   more than BLOCK / 4 / lanes entries, so a long sum is as exact as a short one.
*/
#ifndef SUMS_H
#define SUMS_H

#include "native.h"

#define BLOCK 1024
#define STEP (4 * LANES)

/* The sum over the lanes of a vector, in pairs. */
INLINE double across(vec sum)
{
    REAL lanes[LANES];
    store(lanes, sum);
#pragma GCC unroll 4
    for (int64_t half = LANES / 2; half; half /= 2)
        for (int64_t i = 0; i < half; i++)
            lanes[i] += lanes[i + half];
    return (double)lanes[0];
}

/* A vector of a b, or of a if b is a null pointer. */
INLINE vec terms(const REAL *a, const REAL *b, int64_t i)
{
    vec v = load(a + i);
    if (b)
        v *= load(b + i);
    return v;
}

/* Sum of a[i] b[i], or of a[i] if b is a null pointer. */
INLINE double products(const REAL *a, const REAL *b, int64_t n)
{
    double total = 0;
    int64_t i = 0;
    while (n - i >= STEP) {
        vec sums[4] = {{0}};
        for (int64_t end = i + smaller((n - i) / STEP * STEP, BLOCK); i < end; i += STEP)
            for (int v = 0; v < 4; v++)
                sums[v] += terms(a, b, i + v * LANES);
        total += across((sums[0] + sums[1]) + (sums[2] + sums[3]));
    }
    vec sum = {0};
    for (; n - i >= LANES; i += LANES)
        sum += terms(a, b, i);
    total += across(sum);
    for (; i < n; i++)
        total += b ? (double)a[i] * (double)b[i] : (double)a[i];
    return total;
}

static double sum_of(const REAL *a, int64_t n) { return products(a, 0, n); }

static double dot(const REAL *a, const REAL *b, int64_t n) { return products(a, b, n); }

#endif
