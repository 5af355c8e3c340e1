#define _GNU_SOURCE
#include "AllocationCounter.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>

#if defined(__linux__)
#include <malloc.h>
#endif

// Sanitizers replace these functions themselves.
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define APUS_SANITIZED
#endif
#endif

static atomic_bool is_counting;
static atomic_long counted;

#if defined(__GLIBC__) && !defined(APUS_SANITIZED)

// The program's own definitions come before those of glibc, for its shared libraries too, and lead to glibc's under
// their other names. `free` stays as it is.
void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t count, size_t bytes);
void *__libc_realloc(void *block, size_t bytes);
void *__libc_memalign(size_t alignment, size_t bytes);

static void count(void) {
    if (atomic_load_explicit(&is_counting, memory_order_relaxed))
        atomic_fetch_add_explicit(&counted, 1, memory_order_relaxed);
}

void *malloc(size_t bytes) {
    count();
    return __libc_malloc(bytes);
}

void *calloc(size_t number, size_t bytes) {
    count();
    return __libc_calloc(number, bytes);
}

void *realloc(void *block, size_t bytes) {
    count();
    return __libc_realloc(block, bytes);
}

void *memalign(size_t alignment, size_t bytes) {
    count();
    return __libc_memalign(alignment, bytes);
}

void *aligned_alloc(size_t alignment, size_t bytes) { return memalign(alignment, bytes); }

int posix_memalign(void **result, size_t alignment, size_t bytes) {
    if (alignment % sizeof(void *) != 0 || alignment == 0 || (alignment & (alignment - 1)) != 0) return EINVAL;
    void *block = memalign(alignment, bytes);
    if (block == NULL) return ENOMEM;
    *result = block;
    return 0;
}

#endif

void apus_start_counting_allocations(void) {
    atomic_store(&counted, 0);
    atomic_store(&is_counting, true);
}

long apus_stop_counting_allocations(void) {
    atomic_store(&is_counting, false);
    return atomic_load(&counted);
}

/// Allocates in five ways, and returns how often that was counted.
static void *allocate(void *unused) {
    (void)unused;
    // Volatile, lest the compiler see that nobody needs them.
    void *volatile blocks[4];
    void *aligned = NULL;
    apus_start_counting_allocations();
    blocks[0] = malloc(16);
    blocks[1] = calloc(2, 8);
    blocks[1] = realloc(blocks[1], 4096);
    blocks[2] = aligned_alloc(64, 64);
    blocks[3] = posix_memalign(&aligned, 64, 64) == 0 ? aligned : NULL;
    long seen = apus_stop_counting_allocations();
    for (int i = 0; i < 4; i++) free(blocks[i]);
    return (void *)(intptr_t)seen;
}

bool apus_allocation_counter_works(void) {
    pthread_t thread;
    void *seen = NULL;
    if (pthread_create(&thread, NULL, allocate, NULL) != 0) return false;
    pthread_join(thread, &seen);
    return (intptr_t)seen == 5;
}

void apus_return_freed_memory(void) {
#if defined(__GLIBC__)
    malloc_trim(0);
#endif
}
