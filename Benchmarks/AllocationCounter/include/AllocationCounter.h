/// Counts calls of `malloc` and its like in the process that this is linked into.
#pragma once

#include <stdbool.h>

/// Whether allocations are counted on this system: tried with five deliberate ones, on a thread of their own.
bool apus_allocation_counter_works(void);

/// Starts counting, from zero, the allocations of all threads.
void apus_start_counting_allocations(void);

/// Stops counting, and returns the allocations since the start: new blocks, and old ones that were resized.
long apus_stop_counting_allocations(void);

/// Gives memory that was freed back to the system, where it takes it.
void apus_return_freed_memory(void);
