#ifndef CSRTP_SHIM_H
#define CSRTP_SHIM_H
// Only tests use it: libsrtp has to read what we write.
#include <srtp2/srtp.h>
#endif
