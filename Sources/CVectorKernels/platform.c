#define _GNU_SOURCE
#include "CVectorKernels.h"

#if defined(__linux__)
#include <sched.h>

int apus_affinity_cores(void) {
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 0;
}
#else
int apus_affinity_cores(void) { return 0; }
#endif

apus_isa apus_widest_isa(void) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw")
        && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
        return apus_isa_avx512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return apus_isa_avx2;
    return apus_isa_portable;
#elif defined(__aarch64__)
    return apus_isa_neon;
#else
    return apus_isa_portable;
#endif
}

#if defined(__x86_64__)
#include <immintrin.h>

// MXCSR: bit 15 flushes denormal results to zero, bit 6 reads denormal operands as zero.
static const uint64_t flush_bits = 0x8040;

uint64_t apus_float_control(void) { return _mm_getcsr(); }
void apus_set_float_control(uint64_t control) { _mm_setcsr((unsigned)control); }

#elif defined(__aarch64__)

// FPCR: bit 24 flushes both results and operands.
static const uint64_t flush_bits = 1u << 24;

uint64_t apus_float_control(void) {
    uint64_t control;
    __asm__ volatile("mrs %0, fpcr" : "=r"(control));
    return control;
}
void apus_set_float_control(uint64_t control) { __asm__ volatile("msr fpcr, %0" ::"r"(control)); }

#else

static const uint64_t flush_bits = 0;
uint64_t apus_float_control(void) { return 0; }
void apus_set_float_control(uint64_t control) { (void)control; }

#endif

uint64_t apus_flushing_denormals(uint64_t control) { return control | flush_bits; }
