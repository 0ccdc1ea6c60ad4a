#ifndef ALLOCATION_COUNTER_H
#define ALLOCATION_COUNTER_H

#include <stdint.h>

/// Calls of malloc, calloc, realloc, posix_memalign and aligned_alloc in this program since it started.
///
/// Linked into a program, this target puts its own functions in front of those of the C library.
uint64_t allocation_count(void);

/// Whether the program was built with valgrind's header and runs under valgrind.
int instructions_can_be_counted(void);

/// From here on callgrind counts instructions, from zero.
void start_counting_instructions(void);

/// Stops counting and writes what was counted to a profile of this name.
void stop_counting_instructions(const char *name);

#endif
