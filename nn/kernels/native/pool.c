/* Pooling: the maximum of each window and its place, the sum of each window, and the way back of the maximum.

   Layout. x and dx are (planes, *size), y and g are (planes, *out), and `which` has the shape of y: the number of
   the entry of the window that was the maximum. Missing axes have length 1.

   Forward. The lanes of a vector are neighbouring windows of one row. Their maxima, or sums, stay in registers
   while the entries of the window pass by; NumPy makes some passes over y for each entry. An entry of all
   lanes is one load, or two with stride 2, of which every second number is taken. In a short row the last lanes
   read what lies beyond the row, and their results are dropped. Windows that reach into the padding, or whose
   loads would leave x, are taken one by one.

   Backward. One pass over g adds each entry to one place of dx, where NumPy makes a pass for each entry of the
   window. A place outside of x, which is padding, is left out.
*/

#include "vmath.h"

#include <string.h>

typedef struct {
    int64_t size[3], kernel[3], stride[3], before[3], dilation[3], out[3];
} Shape;

/* -- forward ------------------------------------------------------------------------------------- */

/* LANES numbers, `stride` apart. */
INLINE vec apart(const REAL *from, int64_t stride)
{
    if (stride == 1)
        return load(from);
#if !defined(__clang__) /* Clang makes the same of the loop below */
    if (stride == 2) {
        ivec even = {0};
        for (int k = 0; k < LANES; k++)
            even[k] = 2 * k;
        return __builtin_shuffle(load(from), load(from + LANES), even);
    }
#endif
    vec v = {0};
    for (int k = 0; k < LANES; k++)
        v[k] = from[k * stride];
    return v;
}

/* A window, or the first of some in a row. */
typedef struct {
    const REAL *plane;
    int64_t start[3];         /* where the window starts in the plane */
    int64_t first[3], end[3]; /* the entries of the window that lie inside of x */
} Window;

/* Let the window start at its position along one axis. */
INLINE void move(const Shape *s, Window *w, int axis, int64_t position)
{
    int64_t start = position * s->stride[axis] - s->before[axis], step = s->dilation[axis];
    int64_t room = s->size[axis] - start, inside = s->kernel[axis];
    if ((inside - 1) * step >= room) /* divisions are slow */
        inside = room > 0 ? (room - 1) / step + 1 : 0;
    w->start[axis] = start, w->end[axis] = inside;
    w->first[axis] = start < 0 ? (step - 1 - start) / step : 0;
}

#define NUMBER(a, b, c) (((a) * s->kernel[1] + (b)) * s->kernel[2] + (c))

/* The number of the first entry that lies inside; 0 if there is none. */
INLINE int64_t first_of(const Shape *s, const Window *w)
{
    int none = 0;
    for (int axis = 0; axis < 3; axis++)
        none |= w->first[axis] >= w->end[axis];
    return none ? 0 : NUMBER(w->first[0], w->first[1], w->first[2]);
}

/* Visit the rows of a window that lie inside; `at` is the index of entry (a, b, 0) in the plane. */
#define FOR_ROWS                                                                                                   \
    for (int64_t a = w->first[0]; a < w->end[0]; a++)                                                              \
        for (int64_t b = w->first[1], at = row_of(s, w, a, b); b < w->end[1]; b++, at = row_of(s, w, a, b))

INLINE int64_t row_of(const Shape *s, const Window *w, int64_t a, int64_t b)
{
    int64_t d = w->start[0] + a * s->dilation[0], h = w->start[1] + b * s->dilation[1];
    return (d * s->size[1] + h) * s->size[2] + w->start[2];
}

/* LANES windows whose rows lie inside: their maxima and the numbers of these, or their sums. Rows are summed by
   themselves, so no sum has many terms. */
INLINE vec pooled(int largest, int64_t stride, const Shape *s, const Window *w, ivec *number)
{
    vec best = all(largest ? -INF : 0);
    *number = bits(all(0)) + (whole)first_of(s, w);
    FOR_ROWS
    {
        vec sum = all(0);
        for (int64_t c = 0; c < s->kernel[2]; c++) {
            vec v = apart(w->plane + at + c * s->dilation[2], stride);
            if (largest) {
                ivec take = (v > best) | (v != v);
                best = choose(take, v, best);
                *number = (take & (whole)NUMBER(a, b, c)) | (~take & *number);
            } else
                sum += v;
        }
        best += largest ? all(0) : sum;
    }
    return best;
}

/* The same for one window. */
static REAL pooled_one(int largest, const Shape *s, const Window *w, int64_t *number)
{
    REAL best = largest ? -INF : 0;
    *number = first_of(s, w);
    FOR_ROWS
    {
        REAL sum = 0;
        for (int64_t c = w->first[2]; c < w->end[2]; c++) {
            REAL v = w->plane[at + c * s->dilation[2]];
            if (largest && (v > best || v != v))
                best = v, *number = NUMBER(a, b, c);
            sum += v;
        }
        best += largest ? 0 : sum;
    }
    return best;
}

/* A row of windows; x has `count` numbers from the plane on. */
INLINE void pool_row(int largest, int64_t stride, const Shape *s, Window *w, int64_t count, REAL *y, uint8_t *which)
{
    int64_t reach = (s->kernel[2] - 1) * s->dilation[2];
    for (int64_t k = 0, n; k < s->out[2]; k += n) {
        move(s, w, 2, k);
        n = smaller(smaller(LANES, s->out[2] - k), (s->size[2] - 1 - reach - w->start[2] + stride) / stride);
        if (w->start[2] >= 0 && n > 0 && row_of(s, w, w->end[0] - 1, w->end[1] - 1) + reach + LANES * stride <= count) {
            ivec numbers;
            uint8_t bytes[LANES];
            vec values = pooled(largest, stride, s, w, &numbers);
            memcpy(y + k, &values, (size_t)n * sizeof(REAL));
            for (int lane = 0; largest && lane < LANES; lane++)
                bytes[lane] = (uint8_t)numbers[lane];
            if (largest)
                memcpy(which + k, bytes, (size_t)n);
        } else { /* at the padding, and at the end of x */
            int64_t number;
            n = 1;
            y[k] = pooled_one(largest, s, w, &number);
            if (largest)
                which[k] = (uint8_t)number;
        }
    }
}

INLINE void pool(int largest, int64_t stride, const Shape *s, const REAL *x, REAL *y, uint8_t *which,
                 int64_t planes, int64_t first, int64_t last)
{
    int64_t size = s->size[0] * s->size[1] * s->size[2], row = first * s->out[0] * s->out[1];
    for (; first < last; first++) {
        Window w = {.plane = x + first * size};
        for (int64_t i = 0; i < s->out[0]; i++) {
            move(s, &w, 0, i);
            for (int64_t j = 0; j < s->out[1]; j++, row++) {
                move(s, &w, 1, j);
                pool_row(largest, stride, s, &w, (planes - first) * size, y + row * s->out[2],
                         largest ? which + row * s->out[2] : which);
            }
        }
    }
}

/* y of the planes `first` to `last`. With `which`: the first maximum or the last NaN, and its number; padding is
   never chosen. Without: the sums. */
void NAME(pooling)(const Shape *s, const REAL *x, REAL *y, uint8_t *which, int64_t planes, int64_t first, int64_t last)
{
    switch (2 * smaller(s->stride[2], 3) + (which != 0)) {
    case 2: pool(0, 1, s, x, y, which, planes, first, last); break;
    case 3: pool(1, 1, s, x, y, which, planes, first, last); break;
    case 4: pool(0, 2, s, x, y, which, planes, first, last); break;
    case 5: pool(1, 2, s, x, y, which, planes, first, last); break;
    case 6: pool(0, s->stride[2], s, x, y, which, planes, first, last); break;
    default: pool(1, s->stride[2], s, x, y, which, planes, first, last);
    }
}

/* -- backward ------------------------------------------------------------------------------------ */

/* dx of the planes `first` to `last`. */
void NAME(max_pooling_backward)(const Shape *s, const REAL *g, const uint8_t *which, REAL *dx, int64_t first,
                                int64_t last)
{
    int64_t size = s->size[0] * s->size[1] * s->size[2], places = s->out[0] * s->out[1] * s->out[2];
    int64_t plane = s->kernel[1] * s->kernel[2];
    int64_t of_entry[256][3];
    for (int64_t e = 0; e < 256; e++) {
        of_entry[e][0] = e / plane * s->dilation[0] - s->before[0];
        of_entry[e][1] = e % plane / s->kernel[2] * s->dilation[1] - s->before[1];
        of_entry[e][2] = e % s->kernel[2] * s->dilation[2] - s->before[2];
    }
    memset(dx + first * size, 0, (size_t)((last - first) * size) * sizeof(REAL));
    g += first * places, which += first * places;
    for (REAL *to = dx + first * size; first < last; first++, to += size)
        for (int64_t i = 0; i < s->out[0]; i++)
            for (int64_t j = 0; j < s->out[1]; j++)
                for (int64_t k = 0; k < s->out[2]; k++, g++, which++) {
                    const int64_t *entry = of_entry[*which];
                    int64_t d = i * s->stride[0] + entry[0], h = j * s->stride[1] + entry[1];
                    int64_t w = k * s->stride[2] + entry[2];
                    if (d >= 0 && d < s->size[0] && h >= 0 && h < s->size[1] && w >= 0 && w < s->size[2])
                        to[(d * s->size[1] + h) * s->size[2] + w] += *g;
                }
}
