// The sound card by PortAudio, which is opened when it is asked for: nothing is linked.
#ifndef CPORTAUDIO_H
#define CPORTAUDIO_H
#include <stdint.h>

// The file that the library is looked for in.
const char *cpa_library(void);
// Opens library, microphone and loudspeaker: one channel of 16 bits at a rate, frames of a number of samples. NULL, or
// what is wrong, which stays valid.
const char *cpa_open(double rate, unsigned long samples, void **input, void **output);
// Reads or writes one frame, and waits for that; 0, or another number when the sound card has gone.
int cpa_read(void *input, int16_t *samples, unsigned long count);
int cpa_write(void *output, const int16_t *samples, unsigned long count);
// Closes both; either may be NULL.
void cpa_close(void *input, void *output);
#endif
