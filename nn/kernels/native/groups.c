/* Groups of elementwise steps: an interpreter whose instructions are loops over vectors.

   Layout. All registers of a group hold BLOCK numbers, 4 KiB, so that a dozen of them fit the first-level cache.
   The interpreter runs the whole code on one block after the other. Of the large arrays each number comes from
   memory once and goes back once. NumPy moves each intermediate result to memory and back. One instruction
   costs its loop, and a few nanoseconds for its dispatch.

   Arrays. An array of the group's shape, contiguous, is a register itself: a pointer that moves along. Any other
   array (a row, a column, booleans, a last block that does not fill its vectors) is gathered into a register of
   its own. A number fills its register once. The last vector is filled up with copies of the last entry, so that
   no lane computes what the program does not ask for.

   Exactness. An instruction does one operation, so the compiler has nothing to contract: + - * / sqrt,
   comparisons and selections have NumPy's bits. The functions have errors below 4 units in the last place, those
   of two operands and the slopes below 8 (`vmath.h`). A mask is a vector of all ones and all zeros; in memory a
   mask is a byte, in a gathered register 0 or 1.
*/

#include "vmath.h"

#include <string.h>

#if defined(__SSE2__)
#include <immintrin.h>
#else
#include <fenv.h>
#endif

#define BLOCK ((int64_t)(4096 / sizeof(REAL)))
#define AXES 8

/* -- instructions ------------------------------------------------------------------------------- */

INLINE vec sign_of(vec x) { return choose(x != x, x, number(x > 0) - number(x < 0)); }

/* OP(name, vector): a, b, c are the operands. `odd` takes entries for which NumPy may have a warning. */
#define INSTRUCTIONS(OP)                                                                                           \
    OP(add, a + b)                                                                                                 \
    OP(subtract, a - b)                                                                                            \
    OP(multiply, a *b)                                                                                             \
    OP(divide, a / b)                                                                                              \
    OP(negative, -a)                                                                                               \
    OP(positive, a)                                                                                                \
    OP(square, a *a)                                                                                               \
    OP(cube, a *a *a)                                                                                              \
    OP(reciprocal, 1 / a)                                                                                          \
    OP(absolute, absolute(a))                                                                                      \
    OP(sign, sign_of(a))                                                                                           \
    OP(copysign, copysigned(a, b))                                                                                 \
    OP(maximum, larger_of(a, b))                                                                                   \
    OP(minimum, smaller_of(a, b))                                                                                  \
    OP(clip, smaller_of(larger_of(a, b), c))                                                                       \
    OP(less, (vec)(a < b))                                                                                         \
    OP(less_equal, (vec)(a <= b))                                                                                  \
    OP(greater, (vec)(a > b))                                                                                      \
    OP(greater_equal, (vec)(a >= b))                                                                               \
    OP(equal, (vec)(a == b))                                                                                       \
    OP(not_equal, (vec)(a != b))                                                                                   \
    OP(isnan, (vec)(a != a))                                                                                       \
    OP(isfinite, (vec)(absolute(a) < INF))                                                                         \
    OP(isinf, (vec)(absolute(a) == INF))                                                                           \
    OP(logical_and, (vec)(bits(a) & bits(b)))                                                                      \
    OP(logical_or, (vec)(bits(a) | bits(b)))                                                                       \
    OP(logical_xor, (vec)(bits(a) ^ bits(b)))                                                                      \
    OP(logical_not, (vec)(~bits(a)))                                                                               \
    OP(truth, (vec)(a != 0))                                                                                       \
    OP(number, number(bits(a)))                                                                                    \
    OP(where, choose(bits(a), b, c))                                                                               \
    OP(exp, exp_of(a))                                                                                             \
    OP(expm1, expm1_of(a))                                                                                         \
    OP(log, log_of(a, &odd))                                                                                       \
    OP(log1p, log1p_of(a, &odd))                                                                                   \
    OP(logaddexp, logaddexp_of(a, b))                                                                              \
    OP(softplus, logaddexp_of(a, all(0)))                                                                          \
    OP(tanh, tanh_of(a))                                                                                           \
    OP(times_sech2, times_sech2(a, b))                                                                             \
    OP(sigmoid, logistic(a))                                                                                       \
    OP(logistic_slope, logistic_slope(a))                                                                          \
    OP(erf, erf_of(a))                                                                                             \
    OP(times_gauss, times_gauss(a, b))                                                                             \
    OP(relu, larger_of(a, all(0)))

/* Entry by entry: the compiler makes the vectors. */
#define LOOPS(OP)                                                                                                  \
    OP(sqrt, SCALAR(sqrt)(x[i]))                                                                                   \
    OP(floor, SCALAR(floor)(x[i]))                                                                                 \
    OP(ceil, SCALAR(ceil)(x[i]))                                                                                   \
    OP(trunc, SCALAR(trunc)(x[i]))                                                                                 \
    OP(rint, SCALAR(rint)(x[i]))

/* The function of the C library takes the blocks with an argument that is too large, infinite or NaN. */
#define WAVES(OP)                                                                                                  \
    OP(sin, sin_of(a, &far))                                                                                       \
    OP(cos, cos_of(a, &far))                                                                                       \
    OP(tan, tan_of(a, &far))

#define SCALAR(name) _Generic((REAL)0, float: name##f, double: name)

#define AS_NUMBER(name, _) CODE_##name,
enum { INSTRUCTIONS(AS_NUMBER) LOOPS(AS_NUMBER) WAVES(AS_NUMBER) COUNT };

#define AS_WORD(name, _) #name " "
/* The names of the instructions, each at the index of its number. */
const char *NAME(group_words)(void) { return INSTRUCTIONS(AS_WORD) LOOPS(AS_WORD) WAVES(AS_WORD); }

typedef struct {
    int32_t code, to, a, b, c;
} instruction;

#define AS_VECTORS(name, value)                                                                                    \
    case CODE_##name:                                                                                              \
        for (int64_t i = 0; i < n; i += LANES) {                                                                   \
            vec a = load(x + i), b = load(y + i), c = load(z + i);                                                 \
            (void)a, (void)b, (void)c;                                                                             \
            store(to + i, value);                                                                                  \
        }                                                                                                          \
        break;

#define AS_LOOP(name, value)                                                                                       \
    case CODE_##name:                                                                                              \
        _Pragma("GCC ivdep") for (int64_t i = 0; i < n; i++)                                                       \
            to[i] = value;                                                                                         \
        break;

#define AS_WAVE(name, value)                                                                                       \
    case CODE_##name: {                                                                                            \
        ivec far = {0};                                                                                            \
        for (int64_t i = 0; i < n; i += LANES) {                                                                   \
            vec a = load(x + i);                                                                                   \
            vec y = value;                                                                                         \
            store(spare + i, y);                                                                                   \
        }                                                                                                          \
        if (any(far))                                                                                              \
            for (int64_t i = 0; i < n; i++)                                                                        \
                spare[i] = SCALAR(name)(x[i]);                                                                     \
        memcpy(to, spare, (size_t)n * sizeof(REAL));                                                               \
        break;                                                                                                     \
    }

/* Run the code on one block of n entries, which fill their vectors; returns where functions were odd. */
static ivec block(const instruction *code, int64_t count, REAL *const *at, int64_t n)
{
    ivec odd = {0};
    REAL spare[BLOCK];
    for (int64_t j = 0; j < count; j++) {
        const REAL *x = at[code[j].a], *y = at[code[j].b], *z = at[code[j].c];
        REAL *to = at[code[j].to];
        switch (code[j].code) {
            INSTRUCTIONS(AS_VECTORS)
            LOOPS(AS_LOOP)
            WAVES(AS_WAVE)
        }
    }
    return odd;
}

/* -- arrays ------------------------------------------------------------------------------------- */

/* An array in memory. It has the group's shape; an axis along which it is broadcast has the stride 0. */
typedef struct {
    char *data;
    int64_t at, size, axes, shape[AXES], strides[AXES]; /* size of an entry: 1 for booleans */
} array;

INLINE int moves_along(const array *a) { return a->axes == 1 && a->strides[0] == (int64_t)sizeof(REAL); }

/* Entries first to first + n of an array go to a register. */
static void gather(const array *a, int64_t first, int64_t n, REAL *to)
{
    int64_t index[AXES], last = a->axes - 1, offset = 0;
    for (int64_t k = last, rest = first; k >= 0; k--) {
        index[k] = rest % a->shape[k], rest /= a->shape[k];
        offset += index[k] * a->strides[k];
    }
    for (int64_t done = 0; done < n;) {
        const char *from = a->data + offset;
        int64_t run = smaller(a->shape[last] - index[last], n - done), stride = a->strides[last];
        if (a->size == 1)
            for (int64_t i = 0; i < run; i++)
                to[done + i] = (REAL)(from[i * stride] != 0);
        else if (stride == (int64_t)sizeof(REAL))
            memcpy(to + done, from, (size_t)run * sizeof(REAL));
        else
            for (int64_t i = 0; i < run; i++)
                to[done + i] = *(const REAL *)(from + i * stride);
        done += run, index[last] += run, offset += run * stride;
        for (int64_t k = last; k > 0 && index[k] == a->shape[k]; k--) {
            offset += a->strides[k - 1] - index[k] * a->strides[k];
            index[k] = 0, index[k - 1]++;
        }
    }
}

/* Entries of a register go to a contiguous array. */
static void put(const array *a, int64_t first, int64_t n, const REAL *from)
{
    if (a->size == 1)
        for (int64_t i = 0; i < n; i++)
            a->data[first + i] = from[i] != 0;
    else
        memcpy(a->data + first * (int64_t)sizeof(REAL), from, (size_t)n * sizeof(REAL));
}

/* -- sums --------------------------------------------------------------------------------------- */

/* Partial sums of a block in 4 vectors; the blocks are added in double, with the rounding error beside. */
static void add_block(const REAL *x, int64_t n, double *sum)
{
    vec parts[4] = {{0}};
    double total = 0;
    int64_t i = 0;
    for (; i + 4 * LANES <= n; i += 4 * LANES)
        for (int v = 0; v < 4; v++)
            parts[v] += load(x + i + v * LANES);
    vec part = (parts[0] + parts[1]) + (parts[2] + parts[3]);
    for (int64_t k = 0; k < LANES; k++)
        total += (double)part[k];
    for (; i < n; i++)
        total += (double)x[i];
    double next = sum[0] + total, back = next - sum[0];
    sum[1] += (sum[0] - (next - back)) + (total - back);
    sum[0] = next;
}

/* -- the group ---------------------------------------------------------------------------------- */

/* A group, as the Python side lays it out: 8 bytes for each entry. */
typedef struct {
    int64_t first, last; /* the entries to compute, `last` excluded */
    const instruction *code;
    int64_t count;
    REAL *scratch; /* registers of BLOCK numbers */
    REAL **at;     /* where each register is */
    int64_t registers;
    const array *inputs, *outputs;
    int64_t n_inputs, n_outputs;
    const double *numbers; /* each fills a register */
    const int64_t *filled;
    int64_t n_numbers;
    const int64_t *summed; /* the registers that are summed */
    double *sums;          /* for each a sum and its rounding error */
    int64_t n_sums;
} group;

static void clear_flags(void)
{
#if defined(__SSE2__)
    _mm_setcsr(_mm_getcsr() & ~0x3fu);
#else
    feclearexcept(FE_ALL_EXCEPT);
#endif
}

static int64_t flags(void)
{
#if defined(__SSE2__)
    return _mm_getcsr() & 0xd; /* invalid, division by zero, overflow */
#else
    return fetestexcept(FE_INVALID | FE_DIVBYZERO | FE_OVERFLOW) != 0;
#endif
}

/* Compute the entries. Returns 0 if NumPy cannot have a warning. */
int64_t NAME(group)(const group *g)
{
    ivec odd = {0};
    clear_flags();
    for (int64_t r = 0; r < g->registers; r++)
        g->at[r] = g->scratch + r * BLOCK;
    for (int64_t k = 0; k < g->n_numbers; k++) {
        REAL *to = g->at[g->filled[k]], x = (REAL)g->numbers[k];
        for (int64_t i = 0; i < smaller(BLOCK, g->last - g->first + LANES); i++)
            to[i] = x;
    }
    for (int64_t k = 0; k < 2 * g->n_sums; k++)
        g->sums[k] = 0;
    for (int64_t start = g->first; start < g->last; start += BLOCK) {
        int64_t n = smaller(BLOCK, g->last - start), filled = (n + LANES - 1) / LANES * LANES;
        for (int64_t k = 0; k < g->n_inputs; k++) {
            const array *a = g->inputs + k;
            REAL *own = g->scratch + a->at * BLOCK;
            g->at[a->at] = own;
            if (n == filled && moves_along(a))
                g->at[a->at] = (REAL *)a->data + start;
            else
                gather(a, start, n, own);
            for (int64_t i = n; i < filled; i++)
                own[i] = own[n - 1];
        }
        for (int64_t k = 0; k < g->n_outputs; k++) {
            const array *a = g->outputs + k;
            int direct = n == filled && moves_along(a);
            g->at[a->at] = direct ? (REAL *)a->data + start : g->scratch + a->at * BLOCK;
        }
        odd |= block(g->code, g->count, g->at, filled);
        for (int64_t k = 0; k < g->n_outputs; k++) {
            const array *a = g->outputs + k;
            if (n != filled || !moves_along(a))
                put(a, start, n, g->at[a->at]);
        }
        for (int64_t k = 0; k < g->n_sums; k++)
            add_block(g->at[g->summed[k]], n, g->sums + 2 * k);
    }
    return flags() | any(odd);
}
