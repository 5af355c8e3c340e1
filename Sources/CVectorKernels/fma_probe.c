#include "CVectorKernels.h"

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

// Sixteen chains cover the latency of two fused multiply-add units many times over.
enum { chains = 16 };

#if defined(__x86_64__)
__attribute__((target("avx512f"))) static int64_t probe_avx512(int64_t iterations, float *sink) {
    __m512 sums[chains];
    const __m512 factor = _mm512_set1_ps(0.999f), term = _mm512_set1_ps(0.001f);
#pragma clang loop unroll(full)
    for (int c = 0; c < chains; c++) sums[c] = _mm512_set1_ps((float)c);
    for (int64_t i = 0; i < iterations; i++) {
#pragma clang loop unroll(full)
        for (int c = 0; c < chains; c++) sums[c] = _mm512_fmadd_ps(sums[c], factor, term);
    }
    __m512 total = sums[0];
#pragma clang loop unroll(full)
    for (int c = 1; c < chains; c++) total = _mm512_add_ps(total, sums[c]);
    *sink = _mm512_reduce_add_ps(total);
    return iterations * chains * 16 * 2;
}

// AVX2 has sixteen registers: twelve chains leave room for the constants.
__attribute__((target("avx2,fma"))) static int64_t probe_avx2(int64_t iterations, float *sink) {
    enum { narrow_chains = 12 };
    __m256 sums[narrow_chains];
    const __m256 factor = _mm256_set1_ps(0.999f), term = _mm256_set1_ps(0.001f);
#pragma clang loop unroll(full)
    for (int c = 0; c < narrow_chains; c++) sums[c] = _mm256_set1_ps((float)c);
    for (int64_t i = 0; i < iterations; i++) {
#pragma clang loop unroll(full)
        for (int c = 0; c < narrow_chains; c++) sums[c] = _mm256_fmadd_ps(sums[c], factor, term);
    }
    __m256 total = sums[0];
#pragma clang loop unroll(full)
    for (int c = 1; c < narrow_chains; c++) total = _mm256_add_ps(total, sums[c]);
    float lanes[8];
    _mm256_storeu_ps(lanes, total);
    *sink = lanes[0] + lanes[7];
    return iterations * narrow_chains * 8 * 2;
}
#endif

#if defined(__aarch64__)
static int64_t probe_neon(int64_t iterations, float *sink) {
    float32x4_t sums[chains];
    const float32x4_t factor = vdupq_n_f32(0.999f), term = vdupq_n_f32(0.001f);
#pragma clang loop unroll(full)
    for (int c = 0; c < chains; c++) sums[c] = vdupq_n_f32((float)c);
    for (int64_t i = 0; i < iterations; i++) {
#pragma clang loop unroll(full)
        for (int c = 0; c < chains; c++) sums[c] = vfmaq_f32(term, sums[c], factor);
    }
    float32x4_t total = sums[0];
#pragma clang loop unroll(full)
    for (int c = 1; c < chains; c++) total = vaddq_f32(total, sums[c]);
    *sink = vaddvq_f32(total);
    return iterations * chains * 4 * 2;
}
#endif

static int64_t probe_portable(int64_t iterations, float *sink) {
    float sums[chains];
    for (int c = 0; c < chains; c++) sums[c] = (float)c;
    for (int64_t i = 0; i < iterations; i++)
        for (int c = 0; c < chains; c++) sums[c] = sums[c] * 0.999f + 0.001f;
    float total = 0;
    for (int c = 0; c < chains; c++) total += sums[c];
    *sink = total;
    return iterations * chains * 2;
}

int64_t apus_fma_probe(apus_isa isa, int64_t iterations, float *sink) {
    switch (isa) {
#if defined(__x86_64__)
    case apus_isa_avx512: return probe_avx512(iterations, sink);
    case apus_isa_avx2: return probe_avx2(iterations, sink);
#elif defined(__aarch64__)
    case apus_isa_neon: return probe_neon(iterations, sink);
#endif
    default: return probe_portable(iterations, sink);
    }
}
