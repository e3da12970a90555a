/* The logistic function and tanh, to 4 units in the last place.

   Both start from exp(y) for y <= 0. With y = k log 2 + r and |r| <= log(2) / 2, exp(y) is 2^k (1 + p), where
   p = exp(r) - 1 comes from its Taylor series. So exp(y) - 1 = 2^k p + (2^k - 1) has no cancellation near 0.

   Each function takes one number and has no branches, so the compiler turns a loop over it into vectors. NaN
   fails each comparison, passes all steps and comes out as NaN.
*/
#ifndef VMATH_H
#define VMATH_H

#include "native.h"

#include <string.h>

#define SINGLE (sizeof(REAL) == 4)
#define REAL_OF(single, other) ((REAL)(SINGLE ? (single) : (other)))

typedef __typeof__(__builtin_choose_expr(SINGLE, (uint32_t)0, (uint64_t)0)) word;

/* log 2 in two parts. The first has so few digits that its product with k is exact. */
#define LOG2_HIGH REAL_OF(0.693359375, 6.93147180369123816490e-01)
#define LOG2_LOW REAL_OF(-2.12194440054690583e-4, 1.90821492927058770002e-10)

/* Adding this number rounds to integers; their bits are then the last bits of the sum. */
#define ROUNDER REAL_OF(0x1.8p23, 0x1.8p52)

/* p with exp(y) = 2^k (1 + p), and k + ROUNDER. */
INLINE REAL reduced(REAL y, REAL *rounded)
{
    static const double factorials[] = {1, 1, 2, 6, 24, 120, 720, 5040, 40320, 362880, 3628800, 39916800, 479001600,
                                        6227020800};
    *rounded = y * (REAL)1.44269504088896340736 + ROUNDER;
    REAL k = *rounded - ROUNDER, r = (y - k * LOG2_HIGH) - k * LOG2_LOW, sum = 0;
    for (int n = SINGLE ? 7 : 13; n > 1; n--)
        sum = sum * r + (REAL)(1 / factorials[n]);
    return r + r * r * sum;
}

/* 2^k, given k + ROUNDER: k moves to the place of the exponent. */
INLINE REAL power_of_2(REAL rounded)
{
    word bits;
    REAL one = 1, power;
    word of_one;
    memcpy(&bits, &rounded, sizeof(bits));
    memcpy(&of_one, &one, sizeof(of_one));
    bits = (bits << (SINGLE ? 23 : 52)) + of_one;
    memcpy(&power, &bits, sizeof(power));
    return power;
}

/* 1 / (1 + exp(-x)), computed from z = exp(-|x|) as 1 / (1 + z) or z / (1 + z). Far below, z is no normal number.
   There 2^k is made 2^DEEP times as large until the end. */
#define DEEP 100
INLINE REAL logistic(REAL x)
{
    REAL y = x < 0 ? x : -x, rounded;
    y = y < REAL_OF(-110, -750) ? REAL_OF(-110, -750) : y;
    int deep = y < REAL_OF(-80, -700);
    REAL p = reduced(y, &rounded), power = power_of_2(rounded + (deep ? (REAL)DEEP : 0));
    REAL z = power + power * p, whole = (x < 0 ? z : 1) / (1 + (deep ? 0 : z));
    return deep && x < 0 ? whole * REAL_OF(0x1p-100, 0x1p-100) : whole;
}

/* tanh |x| = -e / (e + 2) with e = exp(-2 |x|) - 1. */
INLINE REAL hyperbolic_tangent(REAL x)
{
    REAL y = x < 0 ? 2 * x : -2 * x, rounded;
    y = y < -45 ? -45 : y;
    REAL p = reduced(y, &rounded), power = power_of_2(rounded), e = power * p + (power - 1);
    return __builtin_choose_expr(SINGLE, __builtin_copysignf, __builtin_copysign)(-e / (e + 2), x);
}

#endif
