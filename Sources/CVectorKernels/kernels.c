#include "CVectorKernels.h"

extern const apus_kernels portable_kernels;
#if defined(__x86_64__)
extern const apus_kernels avx2_kernels, avx512_kernels;
#endif

const apus_kernels *apus_kernels_for(apus_isa isa) {
    switch (isa) {
#if defined(__x86_64__)
    case apus_isa_avx512: return &avx512_kernels;
    case apus_isa_avx2: return &avx2_kernels;
#endif
    default: return &portable_kernels;
    }
}
