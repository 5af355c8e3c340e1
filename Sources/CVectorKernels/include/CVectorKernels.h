/// What Swift cannot say: the processor's control registers, its spin hint, and loops for one instruction
/// set chosen at run time.
#pragma once

#include <stdbool.h>
#include <stdint.h>

/// The instruction sets the probes below are written for, in rising order of width.
typedef enum {
    apus_isa_portable = 0,
    apus_isa_neon = 1,
    apus_isa_avx2 = 2,
    apus_isa_avx512 = 3,
} apus_isa;

/// The widest instruction set this processor and operating system support.
apus_isa apus_widest_isa(void);

/// Runs `iterations` rounds of independent fused multiply-adds held in registers; returns the number of
/// floating point operations done (two per multiply-add and lane). `sink` keeps the work alive.
int64_t apus_fma_probe(apus_isa isa, int64_t iterations, float *sink);

/// The calling thread's floating point control word.
uint64_t apus_float_control(void);

/// Sets the calling thread's floating point control word to one read by `apus_float_control`.
void apus_set_float_control(uint64_t control);

/// `control` with denormal results and operands flushed to zero.
uint64_t apus_flushing_denormals(uint64_t control);

/// Cores the scheduler lets this process use, or 0 where the system does not say.
int apus_affinity_cores(void);

/// Tells the core that this thread spins.
static inline void apus_spin_hint(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}
