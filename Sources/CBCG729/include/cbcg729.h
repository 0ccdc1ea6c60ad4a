#ifndef CBCG729_H
#define CBCG729_H
#include <stdint.h>

// G.729 annex A and B of bcg729, where its user has installed it. The library is under the GNU General Public License,
// version 3: it is neither linked nor delivered, and no header of it is used. It is opened when the first codec is made.

/// Samples, and octets, of a frame.
enum { cbcg_frame_samples = 80, cbcg_frame_octets = 10 };

/// The name of the library that has to be there.
const char *cbcg_library(void);
/// Whether it is, in a version that is known (1.0.2 and later).
int cbcg_is_there(void);
/// A new encoder, with annex B or without; NULL when the library is not there.
void *cbcg_encoder(int has_silence);
void cbcg_close_encoder(void *encoder);
/// Encodes cbcg_frame_samples samples to at most cbcg_frame_octets octets: how many.
int cbcg_encode(void *encoder, const int16_t *samples, uint8_t *octets);
/// A new decoder; NULL when the library is not there.
void *cbcg_decoder(void);
void cbcg_close_decoder(void *decoder);
/// Decodes a frame of 10 or 2 octets, or makes up one that is lost (NULL), to cbcg_frame_samples samples.
void cbcg_decode(void *decoder, const uint8_t *octets, int count, int16_t *samples);
#endif
