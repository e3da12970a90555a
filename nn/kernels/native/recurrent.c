/* The steps of LSTM, GRU and RNN over a sequence, forward and backward.

   What is here. The products of all inputs with their weights, and the products for the gradients of the
   weights, are large. NumPy makes them, before and after. Between them stand the steps, which wait for each
   other. Each step has a small product with the state, which is BLAS' work too, and the gates, which are one pass
   over the result. NumPy needs some 20 calls for a step. Here all steps are one call, which gets the addresses of
   the products in NumPy's own BLAS.

   Layout. gates (steps, batch, gates, hidden): the rows of the products with the weights (gates hidden, ...). The
   product of a step is added in place. States (steps + 1, batch, hidden) stand before and after each step in
   the order of time: a step in reverse goes from t + 1 to t. Sequences do not depend on each other, so each
   thread takes some sequences, the rows `first` to `last`, through all steps.

   A sequence ends after lengths[b] steps. Then the state stays, the output is 0, and the cotangent of the state
   passes. In a backward step each family first writes the part of the cotangent that goes around the product
   over `dh`; the product is added.
*/

#include "vmath.h"

#include <string.h>

/* GEMM and GEMV as Fortran calls them: every argument is a pointer, and the lengths of texts come last. A library
   with integers of 32 bits reads the lower half of ours. */
typedef void Matrices(const char *, const char *, const int64_t *, const int64_t *, const int64_t *, const REAL *,
                      const REAL *, const int64_t *, const REAL *, const int64_t *, const REAL *, REAL *,
                      const int64_t *, size_t, size_t);
typedef void Vector(const char *, const int64_t *, const int64_t *, const REAL *, const REAL *, const int64_t *,
                    const REAL *, const int64_t *, const REAL *, REAL *, const int64_t *, size_t);

typedef struct {
    int64_t steps, batch, hidden, reverse;
    int64_t turned;           /* whether forward steps get the weights transposed: (hidden, gates hidden) */
    int64_t matrices, vector; /* addresses of GEMM and GEMV */
} Layer;

/* OpenBLAS copies both factors of a product into an order of its own, unless it has fewer multiply-adds. With
   few rows, to copy the weights takes as long as the product. Then some smaller products are faster. */
#define UNCOPIED 1000000
#define FEW_ROWS 16
#define FEW_TURNED_ROWS 64

/* The length of the parts of an axis of length n, so that one part has fewer multiply-adds. */
static int64_t part_of(int64_t n, int64_t others)
{
    int64_t parts = n * others / UNCOPIED + 1;
    return larger(LANES, n / parts / LANES * LANES);
}

/* y (rows, n) += a (rows, k) w, for w (k, n), whose rows are `of_w` entries apart, as those of y are `of_y`. */
static void add_product(const Layer *s, int64_t rows, int64_t k, int64_t n, const REAL *a, const REAL *w,
                        int64_t of_w, REAL *y, int64_t of_y)
{
    const REAL one = 1;
    const int64_t next = 1, part = rows > FEW_ROWS ? k : part_of(k, rows * n);
    if (rows == 1) {
        ((Vector *)(intptr_t)s->vector)("N", &n, &k, &one, w, &of_w, a, &next, &one, y, &next, 1);
        return;
    }
    for (int64_t at = 0; at < k; at += part) {
        int64_t count = smaller(part, k - at);
        ((Matrices *)(intptr_t)s->matrices)("N", "N", &n, &rows, &count, &one, w + at * of_w, &of_w, a + at, &k, &one,
                                            y, &of_y, 1, 1);
    }
}

/* y (rows, n) += a (rows, k) w^T, for w (n, k). The product is fast if it is small and a is transposed too;
   there is room for a^T in `scratch`. */
static void add_turned_product(const Layer *s, int64_t rows, int64_t k, int64_t n, const REAL *a, const REAL *w,
                               REAL *y, int64_t of_y, REAL *scratch)
{
    const REAL one = 1;
    const int64_t next = 1, part = rows > FEW_TURNED_ROWS ? n : part_of(n, rows * k);
    if (rows == 1) {
        ((Vector *)(intptr_t)s->vector)("T", &k, &n, &one, w, &k, a, &next, &one, y, &next, 1);
        return;
    }
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < k; j++)
            scratch[j * rows + i] = a[i * k + j];
    for (int64_t at = 0; at < n; at += part) {
        int64_t count = smaller(part, n - at);
        ((Matrices *)(intptr_t)s->matrices)("T", "T", &count, &rows, &k, &one, w + at * k, &k, scratch, &rows, &one,
                                            y + at, &of_y, 1, 1);
    }
}

/* The products of the inputs of a few steps. */
void NAME(inputs)(const Layer *s, int64_t rows, int64_t k, int64_t n, const REAL *x, const REAL *w, REAL *y,
                  REAL *scratch)
{
    add_turned_product(s, rows, k, n, x, w, y, n, scratch);
}

/* y (rows, n) += h w^T, for the rows `start` to `start + n` of the weights, of which there are `all`. */
static void add_states(const Layer *s, int64_t rows, const REAL *h, const REAL *w, int64_t start, int64_t n,
                       int64_t all, REAL *y, int64_t of_y, REAL *scratch)
{
    if (s->turned)
        add_product(s, rows, s->hidden, n, h, w + start, all, y, of_y);
    else
        add_turned_product(s, rows, s->hidden, n, h, w + start * s->hidden, y, of_y, scratch);
}

/* Where the row of sequence b begins at the step that is read as number `step`: in the states before and after, and
   in arrays with one row for each step. */
typedef struct {
    int64_t t, before, after, out;
} Row;

static Row row_of(const Layer *s, int64_t step, int64_t b)
{
    int64_t t = s->reverse ? s->steps - 1 - step : step, out = (t * s->batch + b) * s->hidden;
    int64_t next = out + s->batch * s->hidden;
    return s->reverse ? (Row){t, next, out, out} : (Row){t, out, next, out};
}

static int has_ended(const int64_t *lengths, int64_t b, int64_t t) { return lengths && t >= lengths[b]; }

/* The first `count` entries; the compiler makes loads and stores of whole vectors out of these copies. */
INLINE vec some(const REAL *from, int64_t count)
{
    vec v = {0};
    memcpy(&v, from, (size_t)count * sizeof(REAL));
    return v;
}

INLINE void put(REAL *to, vec v, int64_t count) { memcpy(to, &v, (size_t)count * sizeof(REAL)); }

/* Call `f` for each vector of a row with n entries; `j` is its first entry. */
#define IN_LANES(n, f, ...)                                                                                        \
    do {                                                                                                           \
        int64_t j = 0;                                                                                             \
        for (; j + LANES <= n; j += LANES)                                                                         \
            f(LANES, __VA_ARGS__);                                                                                 \
        if (j < n)                                                                                                 \
            f(n - j, __VA_ARGS__);                                                                                 \
    } while (0)

static void keep(int64_t n, const REAL *before, REAL *after) { memcpy(after, before, (size_t)n * sizeof(REAL)); }

static void clear(int64_t n, REAL *a) { memset(a, 0, (size_t)n * sizeof(REAL)); }

/* -- LSTM: the gates i, f, g, o ------------------------------------------------------------------------------- */

INLINE void lstm_lanes(int64_t count, int64_t n, REAL *a, const REAL *bias, const REAL *c, REAL *next, REAL *h,
                       REAL *y)
{
    vec i = logistic(some(a, count) + some(bias, count));
    vec f = logistic(some(a + n, count) + some(bias + n, count));
    vec g = tanh_of(some(a + 2 * n, count) + some(bias + 2 * n, count));
    vec o = logistic(some(a + 3 * n, count) + some(bias + 3 * n, count));
    vec cell = f * some(c, count) + i * g, state = o * tanh_of(cell);
    put(a, i, count), put(a + n, f, count), put(a + 2 * n, g, count), put(a + 3 * n, o, count);
    put(next, cell, count), put(h, state, count), put(y, state, count);
}

/* w is (4 hidden, hidden), bias (4 hidden), y (steps, batch, hidden); hs and cells are states. */
void NAME(lstm)(const Layer *s, int64_t first, int64_t last, const int64_t *lengths, const REAL *w,
                const REAL *bias, REAL *gates, REAL *hs, REAL *cells, REAL *y)
{
    int64_t n = s->hidden;
    for (int64_t step = 0; step < s->steps; step++) {
        Row top = row_of(s, step, first);
        add_states(s, last - first, hs + top.before, w, 0, 4 * n, 4 * n, gates + 4 * top.out, 4 * n, y + top.out);
        for (int64_t b = first; b < last; b++) {
            Row r = row_of(s, step, b);
            REAL *a = gates + 4 * r.out;
            if (has_ended(lengths, b, r.t))
                keep(n, hs + r.before, hs + r.after), keep(n, cells + r.before, cells + r.after),
                    clear(n, y + r.out);
            else
                IN_LANES(n, lstm_lanes, n, a + j, bias + j, cells + r.before + j, cells + r.after + j,
                         hs + r.after + j, y + r.out + j);
        }
    }
}

INLINE void lstm_lanes_backward(int64_t count, int64_t n, const REAL *a, const REAL *c, const REAL *next,
                                const REAL *gy, REAL *dh, REAL *dc, REAL *d)
{
    vec i = some(a, count), f = some(a + n, count), g = some(a + 2 * n, count), o = some(a + 3 * n, count);
    vec squashed = tanh_of(some(next, count)), of_h = some(dh, count) + some(gy, count);
    vec of_c = some(dc, count) + of_h * o * (1 - squashed * squashed);
    put(d, of_c * g * i * (1 - i), count), put(d + n, of_c * some(c, count) * f * (1 - f), count);
    put(d + 2 * n, of_c * i * (1 - g * g), count), put(d + 3 * n, of_h * squashed * o * (1 - o), count);
    put(dc, of_c * f, count), put(dh, all(0), count);
}

/* gy is the cotangent of y, dh and dc those of the states, in and out; da (steps, batch, 4 hidden). */
void NAME(lstm_backward)(const Layer *s, int64_t first, int64_t last, const int64_t *lengths, const REAL *w,
                         const REAL *gates, const REAL *cells, const REAL *gy, REAL *dh, REAL *dc, REAL *da)
{
    int64_t n = s->hidden;
    for (int64_t step = s->steps - 1; step >= 0; step--) {
        Row top = row_of(s, step, first);
        for (int64_t b = first; b < last; b++) {
            Row r = row_of(s, step, b);
            const REAL *a = gates + 4 * r.out;
            REAL *d = da + 4 * r.out;
            if (has_ended(lengths, b, r.t))
                clear(4 * n, d);
            else
                IN_LANES(n, lstm_lanes_backward, n, a + j, cells + r.before + j, cells + r.after + j, gy + r.out + j,
                         dh + b * n + j, dc + b * n + j, d + j);
        }
        add_product(s, last - first, 4 * n, n, da + 4 * top.out, w, n, dh + first * n, n);
    }
}

/* -- GRU: the gates r, z, n ----------------------------------------------------------------------------------- */

INLINE void gru_lanes(int64_t count, int64_t n, REAL *a, const REAL *bias, const REAL *inner, const REAL *before,
                      REAL *h, REAL *y)
{
    vec r = logistic(some(a, count) + some(bias, count)), z = logistic(some(a + n, count) + some(bias + n, count));
    vec candidate = tanh_of(some(a + 2 * n, count) + some(bias + 2 * n, count) + r * some(inner, count));
    vec state = candidate + z * (some(before, count) - candidate);
    put(a, r, count), put(a + n, z, count), put(a + 2 * n, candidate, count);
    put(h, state, count), put(y, state, count);
}

/* `inner` (steps, batch, hidden) is the factor of the gate r; it comes with the bias in it. */
void NAME(gru)(const Layer *s, int64_t first, int64_t last, const int64_t *lengths, const REAL *w,
               const REAL *bias, REAL *gates, REAL *inner, REAL *hs, REAL *y)
{
    int64_t n = s->hidden;
    for (int64_t step = 0; step < s->steps; step++) {
        Row top = row_of(s, step, first);
        add_states(s, last - first, hs + top.before, w, 0, 2 * n, 3 * n, gates + 3 * top.out, 3 * n, y + top.out);
        add_states(s, last - first, hs + top.before, w, 2 * n, n, 3 * n, inner + top.out, n, y + top.out);
        for (int64_t b = first; b < last; b++) {
            Row r = row_of(s, step, b);
            REAL *a = gates + 3 * r.out;
            if (has_ended(lengths, b, r.t))
                keep(n, hs + r.before, hs + r.after), clear(n, y + r.out);
            else
                IN_LANES(n, gru_lanes, n, a + j, bias + j, inner + r.out + j, hs + r.before + j, hs + r.after + j,
                         y + r.out + j);
        }
    }
}

INLINE void gru_lanes_backward(int64_t count, int64_t n, const REAL *a, const REAL *inner, const REAL *before,
                               const REAL *gy, REAL *dh, REAL *dx, REAL *dr)
{
    vec r = some(a, count), z = some(a + n, count), candidate = some(a + 2 * n, count);
    vec of_h = some(dh, count) + some(gy, count), of_n = of_h * (1 - z) * (1 - candidate * candidate);
    vec of_inner = of_n * r, of_r = of_inner * some(inner, count) * (1 - r);
    vec of_z = of_h * (some(before, count) - candidate) * z * (1 - z);
    put(dx, of_r, count), put(dx + n, of_z, count), put(dx + 2 * n, of_n, count);
    put(dr, of_r, count), put(dr + n, of_z, count), put(dr + 2 * n, of_inner, count);
    put(dh, of_h * z, count);
}

/* dx and dr (steps, batch, 3 hidden) are the cotangents of the products with inputs and with states. */
void NAME(gru_backward)(const Layer *s, int64_t first, int64_t last, const int64_t *lengths, const REAL *w,
                        const REAL *gates, const REAL *inner, const REAL *hs, const REAL *gy, REAL *dh, REAL *dx,
                        REAL *dr)
{
    int64_t n = s->hidden;
    for (int64_t step = s->steps - 1; step >= 0; step--) {
        Row top = row_of(s, step, first);
        for (int64_t b = first; b < last; b++) {
            Row r = row_of(s, step, b);
            const REAL *a = gates + 3 * r.out;
            REAL *of_x = dx + 3 * r.out, *of_r = dr + 3 * r.out;
            if (has_ended(lengths, b, r.t))
                clear(3 * n, of_x), clear(3 * n, of_r);
            else
                IN_LANES(n, gru_lanes_backward, n, a + j, inner + r.out + j, hs + r.before + j, gy + r.out + j,
                         dh + b * n + j, of_x + j, of_r + j);
        }
        add_product(s, last - first, 3 * n, n, dr + 3 * top.out, w, n, dh + first * n, n);
    }
}

/* -- a plain recurrent layer ---------------------------------------------------------------------------------- */

INLINE void rnn_lanes(int64_t count, int64_t relu, const REAL *bias, REAL *y, REAL *h)
{
    vec a = some(y, count) + some(bias, count), state = relu ? choose(a < 0, all(0), a) : tanh_of(a);
    put(y, state, count), put(h, state, count);
}

/* y comes with the products of the inputs in it. */
void NAME(rnn)(const Layer *s, int64_t first, int64_t last, const int64_t *lengths, const REAL *w,
               const REAL *bias, REAL *hs, REAL *y, int64_t relu)
{
    int64_t n = s->hidden;
    for (int64_t step = 0; step < s->steps; step++) {
        Row top = row_of(s, step, first);
        add_states(s, last - first, hs + top.before, w, 0, n, n,
                   y + top.out, n, hs + top.after);
        for (int64_t b = first; b < last; b++) {
            Row r = row_of(s, step, b);
            if (has_ended(lengths, b, r.t))
                keep(n, hs + r.before, hs + r.after), clear(n, y + r.out);
            else
                IN_LANES(n, rnn_lanes, relu, bias + j, y + r.out + j, hs + r.after + j);
        }
    }
}

INLINE void rnn_lanes_backward(int64_t count, int64_t relu, const REAL *h, const REAL *gy, REAL *dh, REAL *d)
{
    vec state = some(h, count), slope = 1 - state * state;
    if (relu)
        slope = number(state > 0);
    put(d, (some(dh, count) + some(gy, count)) * slope, count), put(dh, all(0), count);
}

void NAME(rnn_backward)(const Layer *s, int64_t first, int64_t last, const int64_t *lengths, const REAL *w,
                        const REAL *hs, const REAL *gy, REAL *dh, REAL *da, int64_t relu)
{
    int64_t n = s->hidden;
    for (int64_t step = s->steps - 1; step >= 0; step--) {
        Row top = row_of(s, step, first);
        for (int64_t b = first; b < last; b++) {
            Row r = row_of(s, step, b);
            if (has_ended(lengths, b, r.t))
                clear(n, da + r.out);
            else
                IN_LANES(n, rnn_lanes_backward, relu, hs + r.after + j, gy + r.out + j, dh + b * n + j,
                         da + r.out + j);
        }
        add_product(s, last - first, n, n, da + top.out, w, n, dh + first * n, n);
    }
}
