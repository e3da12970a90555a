/* The way back through the maximum of windows: each entry of g is added where its window had the maximum.

   Layout. dx is (planes, *size), g is (planes, *out), and `which` has the shape of g: the number of the entry of
   the window that was the maximum. One pass over g writes each entry to one place, where NumPy makes a pass for
   each entry of the window. A place outside of x, which is padding, is left out.

   The way forward stays with NumPy. Its passes compare and select whole vectors, and were measured two to four
   times faster than loops over windows in C, in vectors for each row or with the maximum in registers.
*/

#include "native.h"

#include <string.h>

typedef struct {
    int64_t size[3], kernel[3], stride[3], before[3], dilation[3], out[3];
} Shape;

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
