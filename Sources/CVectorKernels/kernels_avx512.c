// The vector loops for AVX512.

#if defined(__x86_64__)

// Before the attribute, for the system's headers are not ours to compile.
#include "CVectorKernels.h"
#include <string.h>

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma"))), apply_to = function)
#define KERNEL(name) apus_avx512_##name
// Of 32 registers, 24 hold a tile at most, and the rest a row of the second matrix and an element of the first.
#define TILE_VECTORS 4
#define TILE_ROWS(vectors) ((vectors) < 3 ? 12 : (vectors) == 3 ? 8 : 6)
#define SPARSE_VECTORS 8
#define CHOICE_VECTORS 2
#define VECTOR_LANES 16
#define IMAGE_TILE_CHANNELS 4
#define IMAGE_TILE_PIXELS(channels) ((channels) == 4 ? 6 : 7)
#define IMAGE_TALL(vectors) ((vectors) == 1 ? 13 : 8)
#define IMAGE_SUMS 6
#include "kernels.inc"
#pragma clang attribute pop

#endif
