#ifndef COPUS_SHIM_H
#define COPUS_SHIM_H
#include <opus/opus.h>

// Variadic functions, which Swift does not import: one for each request that is made.
static inline int copus_set_bitrate(OpusEncoder *e, opus_int32 v) { return opus_encoder_ctl(e, OPUS_SET_BITRATE(v)); }
static inline int copus_set_fec(OpusEncoder *e, opus_int32 v) { return opus_encoder_ctl(e, OPUS_SET_INBAND_FEC(v)); }
static inline int copus_set_loss(OpusEncoder *e, opus_int32 v) {
    return opus_encoder_ctl(e, OPUS_SET_PACKET_LOSS_PERC(v));
}
static inline int copus_set_dtx(OpusEncoder *e, opus_int32 v) { return opus_encoder_ctl(e, OPUS_SET_DTX(v)); }
static inline int copus_set_vbr(OpusEncoder *e, opus_int32 v) { return opus_encoder_ctl(e, OPUS_SET_VBR(v)); }
static inline int copus_set_complexity(OpusEncoder *e, opus_int32 v) {
    return opus_encoder_ctl(e, OPUS_SET_COMPLEXITY(v));
}
static inline int copus_set_max_bandwidth(OpusEncoder *e, opus_int32 v) {
    return opus_encoder_ctl(e, OPUS_SET_MAX_BANDWIDTH(v));
}
#endif
