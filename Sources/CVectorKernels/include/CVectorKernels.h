/// What Swift cannot say: the processor's control registers, its spin hint, and loops for one instruction
/// set chosen at run time.
#pragma once

#include <stdbool.h>
#include <stdint.h>

/// The instruction sets the loops below are written for, in rising order of width.
typedef enum {
    apus_isa_portable = 0,
    apus_isa_neon = 1,
    apus_isa_avx2 = 2,
    apus_isa_avx512 = 3,
} apus_isa;

/// The widest instruction set this processor and operating system support.
apus_isa apus_widest_isa(void);

/// Floats that the loops below move at a time.
enum { apus_chunk = 16 };

/// A kernel that slides over planes of one group of channels, with zeros around them.
typedef struct {
    long channels;
    long input_height, input_width;
    long padding_height, padding_width;
    long padded_height, padded_width;
    long kernel_height, kernel_width;
    long dilation_height, dilation_width;
    long stride_height, stride_width;
    long output_height, output_width;
} apus_convolution;

/// Winograd's F(4x4, 3x3) makes 36 products of a tile of 4x4 pixels of output, one for each pair of six points. Where one, two
/// or three pixels of output are left over along a side, the last tile of it is short. Whether it lacks a point; `extent` is
/// that of the output, or what is left over.
static inline bool apus_winograd_lacks(long extent, int point) {
    switch (extent % 4) {
    case 1: return point == 0 || point == 3 || point == 4;
    case 2: return point == 3 || point == 4;
    case 3: return point == 5;
    default: return false;
    }
}

/// How many tiles come before a tile, through all images; without short ones of the last row or column that lack a product.
static inline long apus_winograd_tiles(
    long output_height, long output_width, long tile, bool last_row_lacks, bool last_column_lacks) {
    const long rows = (output_height + 3) / 4, columns = (output_width + 3) / 4;
    const long column = tile % columns, above = tile / columns, row = above % rows, image = above / rows;
    const long height = last_row_lacks ? output_height / 4 : rows, width = last_column_lacks ? output_width / 4 : columns;
    return image * height * width + (row < height ? row * width + (column < width ? column : width) : height * width);
}

/// Floats from one product of so many tiles and channels to the next. Where tiles are even in number, as in all blocks but a last
/// one, that is an odd number of cache lines, and what one tile has in all products lies on different sets of the cache.
static inline long apus_winograd_spacing(long tiles, long channels) { return tiles * channels + apus_chunk; }

/// Tiles of F(4x4, 5x5) along a side of the output: those of four pixels, with a short one of two after them all, and the pixels
/// of all. A whole tile has eight points along a side, a short one six.
typedef struct {
    long whole, all, pixels;
} apus_winograd_side;

static inline apus_winograd_side apus_winograd_side_of(long extent) {
    const long rest = extent % 4, whole = extent / 4 + (rest == 3), has_short = rest == 1 || rest == 2;
    const apus_winograd_side side = {whole, whole + has_short, 4 * whole + 2 * has_short};
    return side;
}

/// A window that slides over a map and takes one number of it.
typedef struct {
    long channels;
    long input_height, input_width;
    long output_height, output_width;
    long kernel_height, kernel_width;
    long stride_height, stride_width;
    long padding_height, padding_width;
} apus_pooling;

/// A stream of random words (Philox4x32-10): four of them from its key and the counter `[block, stream]`.
typedef struct {
    uint32_t key[2];
    uint32_t stream[3];
} apus_random;

/// `c = a b`, of matrices in row-major order, none of them empty; elements of `a` lie anyhow.
typedef struct {
    long rows, columns, depth;
    /// Element (i, k) of `a` lies at `a[i * a_row + k * a_depth]`, or, where the depth comes in several runs of one
    /// length, at `a[i * a_row + k / length * a_run + k % length * a_depth]`. Then it is at most `apus_panel_depth`.
    const float *a;
    long a_row, a_depth, runs, a_run;
    /// Element (k, j) of `b` lies at `b[k * b_row + j]`, or, transposed, at `b[j * b_row + k]`; or `b` is what `pack`
    /// has made of it.
    const float *b;
    long b_row;
    bool is_b_transposed, is_b_packed;
    float *c;
    long c_row;
    /// Added to each row of `c`, if it is not null; not together with `adds`.
    const float *bias;
    /// Whether the product is added to what `c` holds.
    bool adds;
    /// Whether it is added when the sum of the products is complete. That rounds less than to begin with it, but
    /// the bits then depend on how a sum is divided among products.
    bool adds_last;
    /// Whether negative results are set to zero; a NaN stays one.
    bool rectifies;
    /// A matrix like `c` where its elements are zero that are not above zero in this one, or null.
    const float *mask;
    long mask_row;
    /// Whether what follows `a` in memory is soon the first matrix of another such product: then it is brought to
    /// the cache. Heeded where `a` is transposed and without gaps: `a_row` is 1, and `a_depth` is `rows`.
    bool continues;
} apus_product;

/// An element of a matrix that is not zero, and `apus_chunk` times the number, in its block, of the other's row that it is multiplied
/// with.
typedef struct {
    float value;
    int32_t place;
} apus_element;

/// Rows of the second matrix that stay in the nearest cache, a part of them, where the first has many zeros, and the most floats of
/// such a part, which is copied where it is not packed.
enum { apus_sparse_depth = 64, apus_sparse_floats = 8192 };

/// A 1x1 convolution whose output, of so many pixels an image, goes through a ReLU to the mean of each channel.
typedef struct {
    long pixels;
    /// A multiple of `apus_chunk`.
    long inputs;
    long outputs;
} apus_averaged;

/// Where such an output is above zero: a word for each channel and 30 pixels, words of the same pixels side by side. Words from one
/// run of pixels to the next: two chunks more than channels, for up to 31 words beyond the last are read.
enum { apus_positive_bits = 30 };
static inline long apus_positive_step(long outputs) { return (outputs + apus_chunk - 1) / apus_chunk * apus_chunk + 2 * apus_chunk; }

/// Words of an image.
static inline long apus_positive_words(long pixels, long outputs) {
    return (pixels + apus_positive_bits - 1) / apus_positive_bits * apus_positive_step(outputs);
}

/// Floats of scratch that their gradients take: sums of choices of rows, and what they make of a few chunks of columns.
enum { apus_choice_chunks = 2, apus_choice_floats = 6 * 32 * apus_choice_chunks * apus_chunk };
static inline long apus_averaged_scratch(long pixels, long outputs) {
    const long input = pixels * (apus_choice_chunks * apus_chunk + (outputs + apus_positive_bits - 1) / apus_positive_bits);
    const long weights = outputs * apus_choice_chunks * apus_chunk;
    return apus_choice_floats + (input > weights ? input : weights);
}

/// The greatest depth of the panels that products copy of `b`, and columns and floats of the widest one.
enum { apus_panel_depth = 512, apus_panel_width = 64, apus_panel_floats = apus_panel_width * apus_panel_depth };

/// Output channels that the transforms below take at a time, so that what they make stays in cache.
enum { apus_winograd_panel = 64 };

/// The same where images are last, for maps of so many tiles: panels alike, of so many channels at most, and of fewer where maps are
/// large; a multiple of 4, for sums of products take so many at a time.
enum { apus_winograd_images_most = 32 };
static inline long apus_winograd_images_panel(long outputs, long tiles) {
    const long fit = 4 * apus_winograd_images_most / tiles;
    const long most = fit < 8 ? 8 : fit > apus_winograd_images_most ? apus_winograd_images_most : fit;
    const long panels = (outputs + most - 1) / most;
    return ((outputs + panels - 1) / panels + 3) / 4 * 4;
}

/// A step of Adam: gradients times a scale, with a multiple of the parameters added, and what is kept of the parameters and of both
/// moments, and taken for these. `inverse_root` corrects the root of the second moment; see `Updates.adam`.
typedef struct {
    float gradient_scale, weight_decay, kept;
    float keep1, take1, keep2, take2;
    float step_size, inverse_root, epsilon;
} apus_adam;

/// Loops for one instruction set. Results are alike but for rounding: not all add in one order, and a product and a sum
/// may be rounded together or apart.
typedef struct {
    /// Writes the columns `[channel, kernel row, kernel column, output row, output column]` of padded planes;
    /// reads and writes up to a chunk beyond the last.
    void (*im2col)(const apus_convolution *convolution, const float *padded, float *columns);
    /// Sets each pixel to the sum of the columns that were read from it, or adds that; reads up to a chunk
    /// before and beyond the columns.
    void (*col2im)(const apus_convolution *convolution, const float *columns, bool adds, float *planes);
    /// Writes the columns `[pixel, kernel row, kernel column, channel]` of a run of output pixels, from a map
    /// whose pixels lie `stride` floats apart, their channels side by side. Columns lie `spacing` floats apart.
    void (*im2col_last)(
        const apus_convolution *convolution, const float *image, long stride, long first_pixel, long pixels,
        float *columns, long spacing);
    /// Adds such columns to the pixels they were read from.
    void (*col2im_last)(
        const apus_convolution *convolution, const float *columns, long first_pixel, long pixels, float *image,
        long stride);
    /// The maxima of 2x2 windows of `2 rows` rows of `2 width` pixels, and their places 0 to 3 in row order.
    /// `width` is at least 4.
    void (*max_pool_2x2)(long rows, long width, const float *input, float *output, uint8_t *places);
    /// Writes `gradient` to the places of the maxima, and zero elsewhere.
    void (*max_pool_2x2_gradient)(long rows, long width, const float *gradient, const uint8_t *places, float *input);
    /// The maxima of windows, and their places in them in row order, of a map whose pixels lie a stride apart,
    /// their channels side by side: `rows` rows of output, of which `output` and `places` are the first. Among
    /// equals the first counts; a NaN wins. `places` is dense, or null, which costs less; where `rectified`, the place of a
    /// maximum that is not above zero is none.
    void (*max_pool_last)(
        const apus_pooling *pooling, long first_row, long rows, const float *input, long input_stride, bool rectified,
        float *output, long output_stride, uint8_t *places);
    /// Sets each pixel to the sum of the gradients of the maxima it was, or adds that: `rows` rows of pixels, of
    /// which `input` is the first.
    void (*max_pool_last_gradient)(
        const apus_pooling *pooling, long first_row, long rows, const float *gradient, long gradient_stride,
        const uint8_t *places, bool adds, float *input, long input_stride);
    /// Adds the gradient of a convolution's weights, `[output, depth]`, to whose output nothing goes but the gradients of a row
    /// of maxima. `columns` are those of `im2col_last`, `depth` floats apart, in whole chunks, from the row on where the maxima's
    /// windows begin, which may lie above the map. What lies between two columns is summed like them.
    void (*maxima_weight_gradient)(
        const apus_pooling *pooling, long depth, const float *columns, const float *gradient, long gradient_stride,
        const uint8_t *places, float *weights);
    /// `max(input, 0)` over matrices whose rows lie a stride apart; a NaN stays one. `output` may be `input`.
    void (*relu)(
        long rows, long columns, const float *input, long input_stride, float *output, long output_stride);
    /// `gradient` times `scale` where `output` is above 0, else 0. `input` may be `gradient`.
    void (*relu_gradient)(
        long rows, long columns, const float *gradient, long gradient_stride, float scale, const float *output,
        long output_stride, float *input, long input_stride);
    /// Adds each column of a matrix whose rows lie `stride` floats apart to its sum, row by row.
    void (*column_sums)(long rows, long columns, const float *values, long stride, float *sums);
    /// `input` times `scale` where the random word is at least `threshold`, else 0, or adds that; the words
    /// count from `first` on. `output` may be `input`.
    void (*dropout)(
        const apus_random *random, long first, long count, uint32_t threshold, float scale, bool adds,
        const float *input, float *output);
    void (*fill)(long count, float value, float *output);
    /// A step of `count` parameters and their moments, of the same bits for every instruction set.
    void (*adam)(
        const apus_adam *step, long count, float *parameters, const float *gradients, float *first_moment,
        float *second_moment);
    /// Adds `count` blocks, `size` floats apart, to the first, each from `first` to `end`: at each level of a binary tree block i
    /// takes block i + width, for i = 0, 2 width, 4 width, ... The same bits for every instruction set.
    void (*add_tree)(long count, long size, long first, long end, float *blocks);
    /// A product of matrices; `panel` is scratch of `apus_panel_floats`. The last bits depend on whether the
    /// processor fuses multiplication and addition.
    void (*product)(const apus_product *product, float *panel);
    /// Copies `b` in the panels that a product reads, their last column filled up with zeros to a whole chunk.
    void (*pack)(const apus_product *product, float *panels);
    /// Writes the transpose of a matrix of so many rows and columns.
    void (*transpose)(long rows, long columns, const float *from, long from_row, float *to, long to_row);
    /// `product`, of matrices of which the first does not come in runs, by the elements of the first that are not zero. Does
    /// nothing, and returns false, where they are more than `density` of all, counted from the front on. `list` has room for so
    /// many and `apus_sparse_depth` others; `counts` for the rows of each block, of so much of the depth; `block` for
    /// `apus_sparse_floats`. An infinity or NaN of the second matrix is not seen where the first has a zero.
    bool (*sparse_product)(
        const apus_product *product, float density, apus_element *list, int32_t *counts, float *block);
    /// Adds to each channel's sum what a ReLU leaves of it in a run of an image's pixels, from `first` on, whose rows of `map` lie
    /// `stride` floats apart; and says where it is above zero, unless `positives` is null. Those are the image's, and runs come in order.
    void (*rectified_sums)(
        long channels, long first, long pixels, const float *map, long stride, float *sums, uint32_t *positives);
    /// Sets the gradient of the input, or adds to it, from that of the means, `gradient_stride` floats an image. `weights` are
    /// `[output, input]`, as `pack` has made them; `scratch` is of `apus_averaged_scratch`.
    void (*averaged_input_gradient)(
        const apus_averaged *averaged, long images, const uint32_t *positives, const float *gradient, long gradient_stride,
        const float *weights, bool adds, float *input, long input_stride, float *scratch);
    /// Sets the gradient of the weights, `[input, output]`, or adds to it.
    void (*averaged_weight_gradient)(
        const apus_averaged *averaged, long images, const uint32_t *positives, const float *gradient, long gradient_stride,
        const float *input, long input_stride, bool adds, float *weights, float *scratch);
    /// The transforms of Winograd's F(4x4, 3x3), of channels in whole chunks. Tiles are counted through all images.
    /// Weights `[kernel row, kernel column, input, output]` become `factors`: for each panel of outputs and each product a
    /// matrix of inputs by channels of the panel, packed as by `pack`. `transposed`, unless it is null, gets their
    /// transposes, packed too.
    void (*winograd_weights)(
        long inputs, long outputs, const float *weights, float *factors, float *transposed);
    /// Sets the gradient of a panel's `outputs` channels of the weights, whose rows of all channels are `stride` floats long, to the
    /// adjoint of their factors' gradients, `[product, input, output]`, or adds that.
    void (*winograd_weights_gradient)(
        long inputs, long outputs, const float *factors, bool adds, float *gradient, long stride);
    /// Tiles of 6x6 pixels, zeros outside the images, to `[product, tile, channel]`, products `apus_winograd_spacing` apart, and
    /// what the adjoint makes of those is added to the pixels. Each product has room for all `tiles`, and holds those that have it, without gaps.
    void (*winograd_input)(
        const apus_convolution *convolution, const float *input, long stride, long first, long tiles,
        float *factors);
    void (*winograd_input_gradient)(
        const apus_convolution *convolution, const float *factors, long first, long tiles, float *input,
        long stride);
    /// `[product, tile, channel]` to tiles of 4x4 pixels, with `bias`, if it is not null, and
    /// negative results set to zero where asked for; and the adjoint for gradients, of those where `output` is
    /// above 0 if it is not null, added up in `bias_sums` if that is not.
    void (*winograd_output)(
        const apus_convolution *convolution, long channels, const float *products, long first, long tiles,
        const float *bias, bool rectifies, float *output, long stride);
    void (*winograd_output_gradient)(
        const apus_convolution *convolution, long channels, const float *gradient, long stride,
        const float *output, long output_stride, long first, long tiles, float *products, float *bias_sums);

    // Maps in blocks of `apus_chunk` images, `[channel, row, column, image]`. A block may hold fewer images: what
    // the other lanes hold counts for nothing.

    /// The `outputs` maps of one group of a convolution, or their maxima with zero; `bias` may be null. Weights are
    /// `[output, channel, kernel row, kernel column]`. The last bits depend on whether the processor fuses
    /// multiplication and addition.
    void (*convolve_images)(
        const apus_convolution *convolution, long outputs, const float *input, const float *weights,
        const float *bias, bool rectifies, float *output);
    /// Sets the input's gradient, or adds to it.
    void (*convolve_images_input_gradient)(
        const apus_convolution *convolution, long outputs, const float *gradient, const float *weights, bool adds,
        float *input);
    /// Adds the gradient of the weights, of the first `images` of the block.
    void (*convolve_images_weight_gradient)(
        const apus_convolution *convolution, long outputs, long images, const float *input, const float *gradient,
        float *weights);
    /// The same for 5x5 kernels of stride 1, all channels one group, by Winograd's F(4x4, 5x5). The weights of `pairs` of
    /// channels are transformed to `[product, output, channel]` beforehand, by a call those from `start` to `end`; `scratch` is that
    /// of `ImagesLastWinograd`.
    void (*convolve_images_winograd_weights)(long pairs, long start, long end, const float *weights, float *factors);
    void (*convolve_images_winograd)(
        const apus_convolution *convolution, long outputs, const float *input, const float *factors,
        const float *bias, bool rectifies, float *scratch, float *output);
    /// Sets the gradients of the weights, of the first `images` of the block, and of the input, or adds to them; either may be null.
    void (*convolve_images_winograd_gradients)(
        const apus_convolution *convolution, long outputs, long images, const float *input, const float *gradient,
        const float *factors, float *scratch, bool adds_to_weights, float *weight_gradient, bool adds_to_input,
        float *input_gradient);
    /// The same for a single channel, by Winograd's F(4, 5) along rows; factors are `[output, row, factor]`, and `scratch` is
    /// that of `ImagesLastRowWinograd`. Where `places` is not null, a ReLU and the maxima of 2x2 windows follow, which cover the map,
    /// and `output` and `places` are those of `max_pool_images` with `rectified`.
    void (*convolve_images_row_weights)(long outputs, const float *weights, float *factors);
    void (*convolve_images_rows)(
        const apus_convolution *convolution, long outputs, const float *input, const float *factors,
        const float *bias, bool rectifies, float *scratch, float *output, uint8_t *places);
    /// Adds the gradients of the weights and the bias, of the first `images` of the block; either may be null. Where `places` is
    /// not, `gradient` is that of the maxima.
    void (*convolve_images_rows_gradients)(
        const apus_convolution *convolution, long outputs, long images, const float *input, const float *gradient,
        const uint8_t *places, float *scratch, float *weight_gradient, float *bias_gradient);
    /// Adds the sum of each map over its pixels and the first `images` of the block.
    void (*image_sums)(long channels, long pixels, long images, const float *values, float *sums);
    /// The maxima of windows and their places, as `max_pool_last`; where `rectified`, the place of a maximum that is
    /// not above zero is 255, which gets no gradient.
    void (*max_pool_images)(
        const apus_pooling *pooling, const float *input, bool rectified, float *output, uint8_t *places);
    /// Sets each pixel to the sum of the gradients of the maxima it was, or adds that.
    void (*max_pool_images_gradient)(
        const apus_pooling *pooling, const float *gradient, const uint8_t *places, bool adds, float *input);
    /// The means of windows, the zeros of padding counted or not.
    void (*average_pool_images)(const apus_pooling *pooling, const float *input, bool counts_padding, float *output);
    /// Sets each pixel to its shares of the gradients of the means it is part of, or adds them.
    void (*average_pool_images_gradient)(
        const apus_pooling *pooling, const float *gradient, bool counts_padding, bool adds, float *input);
    /// `dropout` from the first word on, of one image of a block.
    void (*dropout_image)(
        const apus_random *random, long count, uint32_t threshold, float scale, bool adds, const float *input,
        float *output);

    /// `outer tanh(inner input)` over matrices whose rows lie a stride apart, to a few units in the last place.
    /// `output` may be `input`.
    void (*tanh)(
        long rows, long columns, float inner, float outer, const float *input, long input_stride, float *output,
        long output_stride);
    /// `gradient` times the slope of that where its value is `output`. `input` may be `gradient`.
    void (*tanh_gradient)(
        long rows, long columns, float inner, float outer, const float *gradient, long gradient_stride,
        const float *output, long output_stride, float *input, long input_stride);
} apus_kernels;

/// The loops for `isa`, which the processor must support.
const apus_kernels *apus_kernels_for(apus_isa isa);

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
