#ifndef CAVCODEC_H
#define CAVCODEC_H
#include <stdint.h>

// G.723.1 of libavcodec. The library is opened when the first codec is made, and nothing is linked: it draws in a
// hundred others, which a program that never meets G.723.1 shall not load.

/// An encoder or decoder of one stream.
typedef struct cav_codec cav_codec;

/// Samples, and the longest octets, of a frame.
enum { cav_frame_samples = 240, cav_frame_octets = 24 };

/// The name of the library that has to be there.
const char *cav_library(void);
/// A new encoder of 6.3 kbit/s or decoder; NULL when the library is not there or has not what is wanted.
cav_codec *cav_open(int is_encoder);
/// Ends a codec.
void cav_close(cav_codec *codec);
/// Encodes cav_frame_samples samples to at most cav_frame_octets octets: how many, or below 0.
int cav_encode(cav_codec *codec, const int16_t *samples, uint8_t *octets);
/// Decodes a frame of 24, 20 or 4 octets to cav_frame_samples samples: how many, or below 0.
int cav_decode(cav_codec *codec, const uint8_t *octets, int count, int16_t *samples);
#endif
