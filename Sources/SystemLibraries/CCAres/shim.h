#ifndef CCARES_SHIM_H
#define CCARES_SHIM_H
#include <sys/socket.h>
#include <netinet/in.h>
#include <netdb.h>
#include <ares.h>

// Macros that Swift does not import.
static inline int ccares_reads(int sockets, int i) { return ARES_GETSOCK_READABLE(sockets, i) != 0; }
static inline int ccares_writes(int sockets, int i) { return ARES_GETSOCK_WRITABLE(sockets, i) != 0; }
#endif
