/* The kernels for processors with AVX-512 and its dot products (VNNI). */
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma,f16c")
#define WIDE
#define KERNELS kernels_avx512
#define PANEL 12       /* rows whose sums stay in registers */
#define FROM_QUERIES 4 /* from so many on, turning the keys pays */
#include "kernels.h"
