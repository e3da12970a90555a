/* Convolution: y[o] = sum over taps t of w[o, t] x[t], for a group of channels of one image.

   Layout. The channels of an image are copied into planes with their padding. With stride s along an axis,
   entries s apart become neighbours: a plane is cut into s phases, and each phase is stored by itself. So a
   tap (a channel and an entry of the kernel) is one number, `at`: its distance in the planes from the first
   entry of a window. The tap's entries for all windows lie side by side: window p has its entry at `at + p`.
   Windows are numbered along the rows of the planes. The numbers at the ends of rows, where no window fits,
   are computed and dropped. That wastes a few percent, and spares every copy of im2col.

   The input gradient is the same sum with g in the place of x. With stride s, the entries of dx have s
   phases too. Each phase has taps of its own, and is one `Part` with its own positions in dx.

   Tile of the forward pass. `OUTPUTS` outputs times `VECTORS` vectors of windows stay in registers, while all
   taps pass by: 4 x 6 sums, 4 weights and 1 vector of x fill 29 of 32 registers. Each vector of x
   serves 4 products. `CHUNK` taps at a time are summed for all outputs, so x stays in the first cache. It
   also keeps rounding small: no sum has more than CHUNK terms.

   Tile of the weight gradient. dw[t, o] = sum over windows p of x[at[t] + p] g[p, o]. The lanes of a vector
   are outputs, not windows: otherwise each sum would end in a sum across the lanes, which costs more than
   the products of a small map. So g is transposed, `BAND` windows at a time, which stay in the first cache.
   A tile of 6 taps x 4 vectors stays in registers. Windows are counted without the ends of rows, so nothing
   is multiplied that is not part of the sum. The sums of the bands are added with Kahan's correction: a long
   sum is as exact as a short one. Small maps share a band.
*/

#include "native.h"

#include <string.h>

#define OUTPUTS 4
#define VECTORS (REGISTERS == 32 ? 6 : 3)
#define TILE (VECTORS * LANES)
#define CHUNK 288
#define BAND 64

/* The shapes, for 3 spatial axes; the Python side fills in this struct, as it does the next one. */
typedef struct {
    int64_t groups, channels, outputs; /* the last two for one group */
    int64_t size[3], before[3];        /* of x, and the padding before it */
    int64_t stride[3], phases[3];
    int64_t rows[3];         /* the shape of one phase of a plane */
    int64_t parts, taps;     /* taps of all parts */
    int64_t places;          /* entries of one channel of y */
    int64_t of_output, of_group; /* distances in w */
} Shape;

typedef struct {
    int64_t taps, first;  /* a range of taps */
    int64_t out[3];       /* the number of windows */
    int64_t start, step[3]; /* where they are in a channel of y */
} Part;

static int64_t plane_of(const Shape *s)
{
    return s->phases[0] * s->phases[1] * s->phases[2] * s->rows[0] * s->rows[1] * s->rows[2];
}

static int64_t block_of(const Shape *s) { return s->outputs == 1 ? 1 : OUTPUTS; }

/* -- the planes ---------------------------------------------------------------------------------- */

/* The first and the last row of a phase that lie in x, along one axis. */
INLINE void inside(const Shape *s, int axis, int64_t phase, int64_t *first, int64_t *last)
{
    int64_t stride = s->stride[axis], gap = s->before[axis] - phase, end = gap + s->size[axis];
    *first = smaller(gap > 0 ? (gap + stride - 1) / stride : 0, s->rows[axis]);
    *last = larger(smaller(end > 0 ? (end + stride - 1) / stride : 0, s->rows[axis]), *first);
}

static void copy_row(const Shape *s, const REAL *x, int64_t phase, REAL *row)
{
    int64_t first, last, stride = s->stride[2];
    inside(s, 2, phase, &first, &last);
    const REAL *from = x + phase - s->before[2];
    for (int64_t k = 0; k < first; k++)
        row[k] = 0;
    if (stride == 1)
        memcpy(row + first, from + first, (size_t)(last - first) * sizeof(REAL));
    else
        for (int64_t k = first; k < last; k++)
            row[k] = from[k * stride];
    for (int64_t k = last; k < s->rows[2]; k++)
        row[k] = 0;
}

/* One phase of one channel. */
static void copy_phase(const Shape *s, const REAL *x, const int64_t *phase, REAL *plane)
{
    int64_t first[2], last[2], length = s->rows[2];
    for (int axis = 0; axis < 2; axis++)
        inside(s, axis, phase[axis], &first[axis], &last[axis]);
    for (int64_t i = 0; i < s->rows[0]; i++)
        for (int64_t j = 0; j < s->rows[1]; j++, plane += length) {
            if (i < first[0] || i >= last[0] || j < first[1] || j >= last[1]) {
                memset(plane, 0, (size_t)length * sizeof(REAL));
                continue;
            }
            int64_t d = i * s->stride[0] + phase[0] - s->before[0];
            int64_t h = j * s->stride[1] + phase[1] - s->before[1];
            copy_row(s, x + (d * s->size[1] + h) * s->size[2], phase[2], plane);
        }
}

static void copy_planes(const Shape *s, const REAL *x, REAL *planes)
{
    int64_t plane = s->rows[0] * s->rows[1] * s->rows[2], phase[3];
    for (int64_t c = 0; c < s->channels; c++, x += s->size[0] * s->size[1] * s->size[2])
        for (phase[0] = 0; phase[0] < s->phases[0]; phase[0]++)
            for (phase[1] = 0; phase[1] < s->phases[1]; phase[1]++)
                for (phase[2] = 0; phase[2] < s->phases[2]; phase[2]++, planes += plane)
                    copy_phase(s, x, phase, planes);
}

/* -- the convolution ----------------------------------------------------------------------------- */

/* The weights in the order in which the tiles read them: groups, parts, blocks of outputs, taps, outputs.
   Outputs that are missing in the last block have weights 0. */
void NAME(pack_weights)(const Shape *s, const Part *parts, const int64_t *of_tap, const REAL *w, REAL *packed)
{
    int64_t block = block_of(s);
    for (int64_t group = 0; group < s->groups; group++, w += s->of_group)
        for (const Part *part = parts; part < parts + s->parts; part++)
            for (int64_t o = 0; o < s->outputs; o += block)
                for (int64_t t = 0; t < part->taps; t++)
                    for (int64_t i = o; i < o + block; i++)
                        *packed++ = i < s->outputs ? w[i * s->of_output + of_tap[part->first + t]] : 0;
}

/* sums[o, p] += sum over some taps of w[t, o] x[at[t] + p]. */
INLINE void tile(int outputs, int vectors, const REAL *x, const int64_t *at, int64_t taps, const REAL *w,
                 REAL *sums)
{
    vec sum[OUTPUTS][VECTORS];
    for (int o = 0; o < outputs; o++)
        for (int v = 0; v < vectors; v++)
            sum[o][v] = (vec){0};
    for (int64_t t = 0; t < taps; t++, w += outputs)
        for (int v = 0; v < vectors; v++) {
            vec entries = load(x + at[t] + v * LANES);
            for (int o = 0; o < outputs; o++)
                sum[o][v] += w[o] * entries;
        }
    for (int o = 0; o < outputs; o++)
        for (int v = 0; v < vectors; v++)
            store(sums + o * TILE + v * LANES, load(sums + o * TILE + v * LANES) + sum[o][v]);
}

/* The tile of a number of vectors that the compiler knows, so that the sums stay in registers. */
INLINE void tiles(int outputs, int64_t vectors, const REAL *x, const int64_t *at, int64_t taps, const REAL *w,
                  REAL *sums)
{
    switch (vectors) {
    case 1: tile(outputs, 1, x, at, taps, w, sums); break;
    case 2: tile(outputs, 2, x, at, taps, w, sums); break;
    case 3: tile(outputs, 3, x, at, taps, w, sums); break;
#if REGISTERS == 32
    case 4: tile(outputs, 4, x, at, taps, w, sums); break;
    case 5: tile(outputs, 5, x, at, taps, w, sums); break;
    case 6: tile(outputs, 6, x, at, taps, w, sums); break;
#endif
    }
}

/* Write the sums of the windows from `p` to `end` into y, without the ends of rows. */
static void spread(const Shape *s, const Part *part, const REAL *sums, const REAL *bias, int64_t outputs,
                   int64_t p, int64_t end, REAL *y)
{
    for (int64_t run; p < end; p += run, sums += run) {
        int64_t row = p / s->rows[2], k = p % s->rows[2], i = row / s->rows[1], j = row % s->rows[1];
        run = smaller(s->rows[2] - k, end - p);
        int64_t length = smaller(run, part->out[2] - k), step = part->step[2];
        if (j >= part->out[1] || length <= 0)
            continue;
        REAL *to = y + part->start + i * part->step[0] + j * part->step[1] + k * step;
        for (int64_t o = 0; o < outputs; o++) {
            REAL b = bias ? bias[o] : 0;
            const REAL *from = sums + o * TILE;
            if (step == 1)
                for (int64_t n = 0; n < length; n++)
                    to[o * s->places + n] = from[n] + b;
            else
                for (int64_t n = 0; n < length; n++)
                    to[o * s->places + n * step] = from[n] + b;
        }
    }
}

/* Outputs `o` to `last` of one part, for one group of one image. The first and last outputs are at the ends
   of blocks. */
static void convolve_part(const Shape *s, const Part *part, const int64_t *at, const REAL *planes,
                          const REAL *packed, const REAL *bias, int64_t first, int64_t last, REAL *sums, REAL *y)
{
    int64_t block = block_of(s);
    int64_t end = ((part->out[0] - 1) * s->rows[1] + part->out[1] - 1) * s->rows[2] + part->out[2];
    for (int64_t p = 0; p < end; p += TILE) {
        int64_t vectors = smaller((end - p + LANES - 1) / LANES, VECTORS);
        memset(sums, 0, (size_t)((last - first + block - 1) / block * block * TILE) * sizeof(REAL));
        for (int64_t t = 0; t < part->taps; t += CHUNK) {
            int64_t taps = smaller(part->taps - t, CHUNK);
            for (int64_t o = first; o < last; o += block) {
                const REAL *w = packed + o * part->taps + t * block;
                REAL *to = sums + (o - first) * TILE;
                if (block == 1)
                    tiles(1, vectors, planes + p, at + t, taps, w, to);
                else
                    tiles(OUTPUTS, vectors, planes + p, at + t, taps, w, to);
            }
        }
        spread(s, part, sums, bias ? bias + first : bias, last - first, p, smaller(p + TILE, end),
               y + first * s->places);
    }
}

/* The entries of scratch memory that `convolve` needs. */
int64_t NAME(convolve_scratch)(const Shape *s)
{
    return s->channels * plane_of(s) + TILE + (s->outputs + OUTPUTS) * TILE;
}

/* Images `image` to `end`; of each group the outputs `first` to `last`, which are at the ends of blocks. */
void NAME(convolve)(const Shape *s, const Part *parts, const int64_t *at, const REAL *x, const REAL *packed,
                    const REAL *bias, REAL *y, int64_t image, int64_t end, int64_t first, int64_t last,
                    REAL *scratch)
{
    int64_t size = s->channels * s->size[0] * s->size[1] * s->size[2], block = block_of(s);
    int64_t padded = (s->outputs + block - 1) / block * block;
    REAL *sums = scratch + s->channels * plane_of(s) + TILE;
    memset(sums - TILE, 0, (size_t)TILE * sizeof(REAL)); /* the last tile reads beyond the planes */
    for (; image < end; image++)
        for (int64_t group = 0; group < s->groups; group++) {
            int64_t which = image * s->groups + group;
            copy_planes(s, x + which * size, scratch);
            for (const Part *part = parts; part < parts + s->parts; part++)
                convolve_part(s, part, at + part->first, scratch,
                              packed + padded * (group * s->taps + part->first),
                              bias ? bias + group * s->outputs : bias, first, last, sums,
                              y + which * s->outputs * s->places);
        }
}

/* -- the gradient of the weights ------------------------------------------------------------------ */

/* A row of windows: its distance in the planes, and its length. */
typedef struct {
    int64_t from, length;
} Run;

/* The lanes of a tile, and its taps. The lanes are 1 to 4 vectors of outputs, or 1 or 2, as many as leave the
   fewest lanes empty. */
static int64_t wide_of(const Shape *s)
{
    int64_t most = REGISTERS == 32 ? 4 : 2, vectors = (s->outputs + LANES - 1) / LANES, best = most;
    for (int64_t wide = most; wide > 1; wide--)
        if ((vectors + wide - 1) / wide * wide < (vectors + best - 1) / best * best)
            best = wide;
    return smaller(best, vectors);
}

static int64_t taps_of(int64_t wide) { return smaller((REGISTERS == 32 ? 24 : 12) / wide, 12); }

void NAME(weight_tile)(const Shape *s, int64_t *lanes, int64_t *taps)
{
    *lanes = wide_of(s) * LANES;
    *taps = taps_of(wide_of(s));
}

/* dw[t, o] += sum over the runs of x[at[t] + p] g[p, o], corrected by Kahan's `carry`. */
INLINE void gather(int taps, int wide, const REAL *x, const int64_t *at, const Run *runs, int64_t number,
                   const REAL *g, REAL *dw, REAL *carry)
{
    vec sum[12][4];
#pragma GCC unroll 12
    for (int t = 0; t < taps; t++)
#pragma GCC unroll 4
        for (int v = 0; v < wide; v++)
            sum[t][v] = (vec){0};
    for (const Run *run = runs; run < runs + number; run++) {
        const REAL *from = x + run->from;
        for (int64_t p = 0; p < run->length; p++, g += wide * LANES) {
            vec of_g[4];
            for (int v = 0; v < wide; v++)
                of_g[v] = load(g + v * LANES);
#pragma GCC unroll 12 /* Clang would keep the sums in memory */
            for (int t = 0; t < taps; t++)
#pragma GCC unroll 4
                for (int v = 0; v < wide; v++)
                    sum[t][v] += from[at[t] + p] * of_g[v];
        }
    }
#pragma GCC unroll 12
    for (int t = 0; t < taps; t++)
#pragma GCC unroll 4
        for (int v = 0; v < wide; v++, dw += LANES, carry += LANES) {
            vec before = load(dw), add = sum[t][v] - load(carry), after = before + add;
            store(carry, (after - before) - add);
            store(dw, after);
        }
}

/* The runs of the windows `p` to `end`, which are numbered through the images. */
static int64_t runs_of(const Shape *s, const Part *part, int64_t p, int64_t end, Run *runs)
{
    int64_t places = part->out[0] * part->out[1] * part->out[2], number = 0;
    for (int64_t length; p < end; p += length, number++) {
        int64_t k = p % part->out[2], row = p / part->out[2];
        int64_t j = row % part->out[1], i = row / part->out[1] % part->out[0], image = p / places;
        length = smaller(part->out[2] - k, end - p);
        runs[number].from = image * s->channels * plane_of(s) + (i * s->rows[1] + j) * s->rows[2] + k;
        runs[number].length = length;
    }
    return number;
}

/* g of the windows `p` to `end` with the outputs side by side: blocks of outputs, windows, outputs. */
static void transpose(const Shape *s, const REAL *g, int64_t lanes, int64_t p, int64_t end, REAL *to)
{
    int64_t places = s->places;
    for (int64_t o = 0; o < s->outputs; o += lanes)
        for (int64_t q = p; q < end; q++) {
            const REAL *from = g + (q / places * s->groups * s->outputs + o) * places + q % places;
            int64_t full = smaller(lanes, s->outputs - o), i = 0;
            for (; i < full; i++)
                *to++ = from[i * places];
            for (; i < lanes; i++)
                *to++ = 0;
        }
}

static int64_t together(const Shape *s) { return larger(BAND / larger(s->places, 1), 1); }

/* The entries of scratch memory that `weight_gradient` needs. */
int64_t NAME(weight_scratch)(const Shape *s)
{
    int64_t lanes = wide_of(s) * LANES;
    return together(s) * s->channels * plane_of(s) + (s->outputs + lanes) * BAND;
}

/* Add the images `image` to `end` to dw and carry: groups, blocks of outputs, taps, outputs. The number of
   taps must be a multiple of the tile's. */
void NAME(weight_gradient)(const Shape *s, const Part *part, const int64_t *at, const REAL *x, const REAL *g,
                           REAL *dw, REAL *carry, int64_t image, int64_t end, REAL *scratch)
{
    int64_t size = s->channels * s->size[0] * s->size[1] * s->size[2], wide = wide_of(s);
    int64_t lanes = wide * LANES, step = taps_of(wide), many = together(s), planes = s->channels * plane_of(s);
    int64_t padded = (s->outputs + lanes - 1) / lanes * lanes;
    REAL *turned = scratch + many * planes;
    Run runs[BAND];
    for (; image < end; image += many)
        for (int64_t group = 0; group < s->groups; group++) {
            int64_t images = smaller(many, end - image), of_group = group * padded * part->taps;
            for (int64_t n = 0; n < images; n++)
                copy_planes(s, x + ((image + n) * s->groups + group) * size, scratch + n * planes);
            const REAL *of_g = g + (image * s->groups + group) * s->outputs * s->places;
            for (int64_t p = 0, last; p < images * s->places; p = last) {
                last = smaller(p + BAND, images * s->places);
                int64_t number = runs_of(s, part, p, last, runs);
                transpose(s, of_g, lanes, p, last, turned);
                for (int64_t t = 0; t < part->taps; t += step)
                    for (int64_t o = 0; o < padded; o += lanes) {
                        const REAL *gs = turned + o * (last - p);
                        int64_t to = of_group + o * part->taps + t * lanes;
                        if (wide == 1)
                            gather(12, 1, scratch, at + t, runs, number, gs, dw + to, carry + to);
                        else if (wide == 2)
                            gather(REGISTERS == 32 ? 12 : 6, 2, scratch, at + t, runs, number, gs, dw + to,
                                   carry + to);
#if REGISTERS == 32
                        else if (wide == 3)
                            gather(8, 3, scratch, at + t, runs, number, gs, dw + to, carry + to);
                        else
                            gather(6, 4, scratch, at + t, runs, number, gs, dw + to, carry + to);
#endif
                    }
            }
        }
}
