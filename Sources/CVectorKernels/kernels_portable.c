// The vector loops for every processor.

#define KERNEL(name) apus_portable_##name
#include "kernels.inc"
