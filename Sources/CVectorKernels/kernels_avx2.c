// The vector loops for AVX2.

#if defined(__x86_64__)

// Before the attribute, for the system's headers are not ours to compile.
#include "CVectorKernels.h"
#include <string.h>

#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#define KERNEL(name) apus_avx2_##name
// A vector takes two of 16 registers: 12 hold a tile.
#define TILE_VECTORS 1
#define TILE_ROWS(vectors) 6
#define SPARSE_VECTORS 6
#define CHOICE_VECTORS 1
#define VECTOR_LANES 8
#define IMAGE_TILE_CHANNELS 2
#define IMAGE_TILE_PIXELS(channels) 5
#define IMAGE_TALL(vectors) 6
#define IMAGE_SUMS 3
#include "kernels.inc"
#pragma clang attribute pop

#endif
