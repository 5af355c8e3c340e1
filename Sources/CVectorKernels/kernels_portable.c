// The vector loops for every processor.

#define KERNEL(name) portable_##name
#include "kernels.inc"
