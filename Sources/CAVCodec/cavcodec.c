#include "cavcodec.h"

#include <dlfcn.h>
#include <libavcodec/avcodec.h>
#include <libavutil/channel_layout.h>
#include <libavutil/frame.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define TEXT(x) #x
#define NUMBER(x) TEXT(x)
#define CODEC_LIBRARY "libavcodec.so." NUMBER(LIBAVCODEC_VERSION_MAJOR)
#define UTIL_LIBRARY "libavutil.so." NUMBER(LIBAVUTIL_VERSION_MAJOR)

// What is called of both libraries: type by declaration, address by name.
#define CODEC_FUNCTIONS(X) \
    X(avcodec_find_encoder) X(avcodec_find_decoder) X(avcodec_alloc_context3) X(avcodec_free_context) \
    X(avcodec_open2) X(avcodec_send_frame) X(avcodec_receive_packet) X(avcodec_send_packet) \
    X(avcodec_receive_frame) X(av_packet_alloc) X(av_packet_free) X(av_packet_unref) X(av_new_packet)
#define UTIL_FUNCTIONS(X) \
    X(av_frame_alloc) X(av_frame_free) X(av_frame_unref) X(av_frame_get_buffer) X(av_frame_make_writable) \
    X(av_channel_layout_default)

#define MEMBER(name) __typeof__(&name) name;
static struct { CODEC_FUNCTIONS(MEMBER) UTIL_FUNCTIONS(MEMBER) } av;
static int is_open;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void open_libraries(void) {
    void *codec = dlopen(CODEC_LIBRARY, RTLD_NOW | RTLD_LOCAL);
    void *util = dlopen(UTIL_LIBRARY, RTLD_NOW | RTLD_LOCAL);
    if (!codec || !util) return;
#define FIND_CODEC(name) if (!(av.name = (__typeof__(&name))dlsym(codec, #name))) return;
#define FIND_UTIL(name) if (!(av.name = (__typeof__(&name))dlsym(util, #name))) return;
    CODEC_FUNCTIONS(FIND_CODEC)
    UTIL_FUNCTIONS(FIND_UTIL)
    is_open = 1;
}

struct cav_codec {
    AVCodecContext *context;
    AVFrame *frame;
    AVPacket *packet;
};

const char *cav_library(void) { return CODEC_LIBRARY; }

cav_codec *cav_open(int is_encoder) {
    pthread_once(&once, open_libraries);
    if (!is_open) return NULL;
    const AVCodec *found =
        is_encoder ? av.avcodec_find_encoder(AV_CODEC_ID_G723_1) : av.avcodec_find_decoder(AV_CODEC_ID_G723_1);
    cav_codec *codec = found ? calloc(1, sizeof *codec) : NULL;
    if (!codec) return NULL;
    codec->context = av.avcodec_alloc_context3(found);
    codec->frame = av.av_frame_alloc();
    codec->packet = av.av_packet_alloc();
    if (codec->context && codec->frame && codec->packet) {
        codec->context->sample_rate = 8000;
        codec->context->sample_fmt = AV_SAMPLE_FMT_S16;
        codec->context->bit_rate = 6300;
        codec->context->time_base = (AVRational){1, 8000};
        av.av_channel_layout_default(&codec->context->ch_layout, 1);
        if (av.avcodec_open2(codec->context, found, NULL) == 0) {
            if (!is_encoder) return codec;
            codec->frame->nb_samples = cav_frame_samples;
            codec->frame->format = AV_SAMPLE_FMT_S16;
            codec->frame->sample_rate = 8000;
            av.av_channel_layout_default(&codec->frame->ch_layout, 1);
            if (av.av_frame_get_buffer(codec->frame, 0) == 0) return codec;
        }
    }
    cav_close(codec);
    return NULL;
}

void cav_close(cav_codec *codec) {
    if (!codec) return;
    av.avcodec_free_context(&codec->context);
    av.av_frame_free(&codec->frame);
    av.av_packet_free(&codec->packet);
    free(codec);
}

int cav_encode(cav_codec *codec, const int16_t *samples, uint8_t *octets) {
    if (av.av_frame_make_writable(codec->frame) < 0) return -1;
    memcpy(codec->frame->data[0], samples, cav_frame_samples * sizeof *samples);
    if (av.avcodec_send_frame(codec->context, codec->frame) < 0) return -1;
    if (av.avcodec_receive_packet(codec->context, codec->packet) < 0) return -1;
    int count = codec->packet->size;
    if (count <= cav_frame_octets) memcpy(octets, codec->packet->data, (size_t)count);
    av.av_packet_unref(codec->packet);
    return count <= cav_frame_octets ? count : -1;
}

int cav_decode(cav_codec *codec, const uint8_t *octets, int count, int16_t *samples) {
    // The packet is copied: the decoder reads beyond its end, where av_new_packet leaves room.
    if (count < 1 || count > cav_frame_octets || av.av_new_packet(codec->packet, count) < 0) return -1;
    memcpy(codec->packet->data, octets, (size_t)count);
    int sent = av.avcodec_send_packet(codec->context, codec->packet);
    av.av_packet_unref(codec->packet);
    if (sent < 0 || av.avcodec_receive_frame(codec->context, codec->frame) < 0) return -1;
    int made = codec->frame->nb_samples;
    if (made <= cav_frame_samples) memcpy(samples, codec->frame->data[0], (size_t)made * sizeof *samples);
    av.av_frame_unref(codec->frame);
    return made <= cav_frame_samples ? made : -1;
}
