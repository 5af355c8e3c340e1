// The vector loops for every processor.

#define KERNEL(name) apus_portable_##name
#define VECTOR_REGISTERS 4
#include "kernels.inc"
