#include "CVectorKernels.h"

extern const apus_kernels apus_portable_kernels;
#if defined(__x86_64__)
extern const apus_kernels apus_avx2_kernels, apus_avx512_kernels;
#endif

const apus_kernels *apus_kernels_for(apus_isa isa) {
    switch (isa) {
#if defined(__x86_64__)
    case apus_isa_avx512: return &apus_avx512_kernels;
    case apus_isa_avx2: return &apus_avx2_kernels;
#endif
    default: return &apus_portable_kernels;
    }
}
