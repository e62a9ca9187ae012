/* What the kernels compute, over the sixteen lanes of vectors.h; included once by each instruction set's file.
 *
 * For: the files of operators, through the table at the end. Knows: arrays and the arithmetic of the operators they stand for.
 * Must not know: ONNX Runtime, threads, or files.
 *
 * A row of the result depends on its own row of inputs and on the cache, never on how many rows run, which thread runs
 * them or how long a buffer is: each sum has one order, whoever computes it.
 *
 *   products   x (M, K) times 4- or 8-bit blocks of 32 (N, K/32): x is rounded to 8 bits block by block, each block's
 *              product is an exact integer, and y += product * (scale of w * scale of x), block after block
 *   attention  scores, softmax and mixture of one key-value head over an int8 cache, sixteen positions at a time
 *   rows       norms of one row, and a survey of logits
 */
#include "tasks.h"
#include "vectors.h"

#define MOST_HEAD 256 /* channels of a head */
#define TINY 1e-30f   /* what is no larger counts as zero: divided by it, a step would overflow */
#define AHEAD 24      /* blocks that the weights are fetched ahead: memory answers after a microsecond or so */

#include "product_kernels.h"
#include "attention_kernels.h"
#include "row_kernels.h"

const Kernels KERNELS = {are_halves, pack_blocks, pack_columns, quantize_rows, product_tiles, append, attend, norm_rows, survey};
