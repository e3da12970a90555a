/* The gradient of a table whose rows were read by their numbers, as in an embedding.

   Layout. g is (N, D): g[i] belongs to row numbers[i] of the table, which is (V, D). A counting sort lists the
   places of each row, so that each row of the table is written once, and summed in the first cache. Adding g[i] to
   the table one by one would be as fast, but a row that is read a million times would lose its digits.

   Sums. BLOCK places of a row are added in double, and then the sums of the blocks.
*/

#include "native.h"

#include <string.h>

#define BLOCK 64

/* `places` has room for V + 1 + N numbers, and `sums` for 2 D. */
void NAME(table_rows_backward)(const REAL *g, const int64_t *numbers, REAL *table, int64_t *places, double *sums,
                               int64_t N, int64_t V, int64_t D)
{
    int64_t *end = places, *order = places + V + 1;
    memset(end, 0, (size_t)(V + 1) * sizeof(int64_t));
    for (int64_t i = 0; i < N; i++)
        end[numbers[i] + 1]++;
    for (int64_t row = 0; row < V; row++)
        end[row + 1] += end[row]; /* where the places of a row begin; after the next loop, where they end */
    for (int64_t i = 0; i < N; i++)
        order[end[numbers[i]]++] = i;
    for (int64_t row = 0, i = 0; row < V; row++, table += D) {
        double *total = sums, *block = sums + D;
        memset(total, 0, (size_t)D * sizeof(double));
        while (i < end[row]) {
            memset(block, 0, (size_t)D * sizeof(double));
            for (int64_t last = smaller(i + BLOCK, end[row]); i < last; i++)
                for (int64_t d = 0; d < D; d++)
                    block[d] += (double)g[order[i] * D + d];
            for (int64_t d = 0; d < D; d++)
                total[d] += block[d];
        }
        for (int64_t d = 0; d < D; d++)
            table[d] = (REAL)total[d];
    }
}
