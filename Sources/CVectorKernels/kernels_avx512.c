// The vector loops for AVX512.

#if defined(__x86_64__)

// Before the attribute, for the system's headers are not ours to compile.
#include "CVectorKernels.h"
#include <immintrin.h>
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

// Appends those of sixteen elements that are not zero to a list, with their places, each `step` behind the one before; returns how
// many. So many are written whether they are zero or not.
static inline __attribute__((always_inline)) long apus_avx512_list_chunk(
    __m512 values, int32_t place, int32_t step, apus_element *list) {
    const __m512i numbers = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    const __m512i places = _mm512_add_epi32(_mm512_mullo_epi32(numbers, _mm512_set1_epi32(step)), _mm512_set1_epi32(place));
    const __m512i first = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
    const __m512i second = _mm512_add_epi32(first, _mm512_set1_epi32(8));
    const unsigned kept = _mm512_cmp_ps_mask(values, _mm512_setzero_ps(), _CMP_NEQ_UQ);
    const __m512i bits = _mm512_castps_si512(values);
    const long count = __builtin_popcount(kept & 255);
    _mm512_storeu_si512(list, _mm512_maskz_compress_epi64(kept & 255, _mm512_permutex2var_epi32(bits, first, places)));
    _mm512_storeu_si512(
        list + count, _mm512_maskz_compress_epi64(kept >> 8, _mm512_permutex2var_epi32(bits, second, places)));
    return count + __builtin_popcount(kept >> 8);
}
#define LIST_CHUNK apus_avx512_list_chunk

#include "kernels.inc"
#pragma clang attribute pop

#endif
