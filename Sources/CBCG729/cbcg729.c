#include "cbcg729.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stddef.h>

#define LIBRARY "libbcg729.so.0"

// The calls of its interface, by their types.
static struct {
    void *(*encoder)(uint8_t has_vad);
    void (*close_encoder)(void *);
    void (*encode)(void *, const int16_t *samples, uint8_t *octets, uint8_t *count);
    void *(*decoder)(void);
    void (*close_decoder)(void *);
    void (*decode)(
        void *, const uint8_t *octets, uint8_t count, uint8_t is_lost, uint8_t is_silence, uint8_t is_rfc3389,
        int16_t *samples);
} bcg;
static int is_open;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void open_library(void) {
    void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
    // Versions before this call was added take fewer arguments.
    if (!library || !dlsym(library, "bcg729GetRFC3389Payload")) return;
#define FIND(member, name) \
    if (!(bcg.member = (__typeof__(bcg.member))dlsym(library, name))) return;
    FIND(encoder, "initBcg729EncoderChannel")
    FIND(close_encoder, "closeBcg729EncoderChannel")
    FIND(encode, "bcg729Encoder")
    FIND(decoder, "initBcg729DecoderChannel")
    FIND(close_decoder, "closeBcg729DecoderChannel")
    FIND(decode, "bcg729Decoder")
    is_open = 1;
}

const char *cbcg_library(void) { return LIBRARY; }

int cbcg_is_there(void) {
    pthread_once(&once, open_library);
    return is_open;
}

void *cbcg_encoder(int has_silence) { return cbcg_is_there() ? bcg.encoder(has_silence ? 1 : 0) : NULL; }

void cbcg_close_encoder(void *encoder) { bcg.close_encoder(encoder); }

int cbcg_encode(void *encoder, const int16_t *samples, uint8_t *octets) {
    uint8_t count = 0;
    bcg.encode(encoder, samples, octets, &count);
    return count <= cbcg_frame_octets ? count : 0;
}

void *cbcg_decoder(void) { return cbcg_is_there() ? bcg.decoder() : NULL; }

void cbcg_close_decoder(void *decoder) { bcg.close_decoder(decoder); }

void cbcg_decode(void *decoder, const uint8_t *octets, int count, int16_t *samples) {
    bcg.decode(decoder, octets, (uint8_t)count, octets ? 0 : 1, count == 2 ? 1 : 0, 0, samples);
}
