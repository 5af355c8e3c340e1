// The vector loops for every processor.

#define KERNEL(name) apus_portable_##name
// A vector takes four of 16 registers: 8 hold a tile. Products run only where they are asked for: see `Backend`.
#define TILE_VECTORS 1
#define TILE_ROWS(vectors) 2
#define SPARSE_VECTORS 2
#define CHOICE_VECTORS 1
#define VECTOR_LANES 4
#define IMAGE_TILE_CHANNELS 2
#define IMAGE_TILE_PIXELS(channels) 4
#define IMAGE_TALL(vectors) 6
#define IMAGE_SUMS 2
#include "kernels.inc"
