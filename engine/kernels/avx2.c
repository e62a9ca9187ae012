/* The kernels for processors with AVX2 and fused multiply-add; the same bits as avx512.c. */
#pragma GCC target("avx2,fma,f16c")
#define KERNELS kernels_avx2
#define PANEL 2        /* rows whose sums stay in registers */
#define FROM_QUERIES 8 /* from so many on, turning the keys pays */
#include "kernels.h"
