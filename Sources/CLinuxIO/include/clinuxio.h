// What Swift does not import from Linux headers: message vectors and epoll.
#ifndef CLINUXIO_H
#define CLINUXIO_H
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

// Has the layout of struct mmsghdr, which is hidden without _GNU_SOURCE.
typedef struct {
    struct msghdr msg_hdr;
    unsigned int msg_len;
} cio_mmsghdr;

// CLOCK_MONOTONIC in nanoseconds, CLOCK_REALTIME in milliseconds.
int64_t cio_monotonic_nanoseconds(void);
int64_t cio_wall_milliseconds(void);
// What all threads of this process have computed, in nanoseconds.
int64_t cio_processor_nanoseconds(void);

// What tells one version of a file from another: time of change, octets, number; all 0 when there is none.
typedef struct {
    int64_t changed_nanoseconds;
    int64_t octets;
    uint64_t node;
} cio_file_version;
cio_file_version cio_version_of(const char *path);

// Writes an IP address, given most significant half first, and a port; returns the length of the address.
socklen_t cio_write_address(struct sockaddr_storage *to, int is_ipv6, uint64_t high, uint64_t low, uint16_t port);
// Reads one: 4 (also for one that is mapped into IPv6) or 6, or 0 when it is neither.
int cio_read_address(const struct sockaddr_storage *from, uint64_t *high, uint64_t *low, uint16_t *port);

// A descriptor that becomes readable again and again, -1 when there is none; and how often it does, 0 for never.
int cio_ticker(void);
int cio_set_ticker(int fd, int64_t interval_nanoseconds);

// epoll_wait that waits for nanoseconds, not milliseconds; a negative time for ever.
int cio_epoll_wait(int epoll, struct epoll_event *events, int capacity, int64_t nanoseconds);

int cio_recvmmsg(int fd, cio_mmsghdr *messages, unsigned int count, int flags);
int cio_sendmmsg(int fd, cio_mmsghdr *messages, unsigned int count, int flags);

// How long ago the datagram that was received last came, in nanoseconds; 0 when it has left none behind it, and when the
// system does not know. It knows from the first call on.
int64_t cio_datagram_age(int fd);
// How many datagrams the system has dropped since the queue of a socket was full; 0 where it does not tell.
uint32_t cio_lost_datagrams(int fd);

// A timer as a descriptor, and the moment of CLOCK_MONOTONIC, in nanoseconds, at which it becomes readable.
int cio_timer(void);
void cio_set_timer(int fd, int64_t nanoseconds);
// Lets the thread sleep until a moment of CLOCK_MONOTONIC, or until a signal.
void cio_sleep_until(int64_t nanoseconds);

// Room for the control message that holds a local address.
enum { cio_control_octets = 64 };

// The local address that a datagram came to (IP_PKTINFO, IPV6_PKTINFO), with port 0: 1, or 0 when it is not told.
int cio_packet_destination(const struct msghdr *header, struct sockaddr_storage *address);
// Lets a message leave from a local address; `control` holds it and must have `cio_control_octets`.
void cio_set_source(struct msghdr *header, void *control, int is_ipv6, uint64_t high, uint64_t low);
// Lets the system divide a message into datagrams of so many octets (UDP_SEGMENT), after `cio_set_source` where that is
// called, too, with the same `control`.
void cio_set_segment(struct msghdr *header, void *control, uint16_t octets);
// Asks for errors (IP_RECVERR) and large buffers, and for the destinations of datagrams where `wants_destination`.
int cio_prepare_udp(int fd, int is_ipv6, int wants_destination, int buffer_octets);
// Takes one error that came back by ICMP: 1 with the address it was sent to, 0 when there is none. `error` is 0 where
// the destination was not said to be unreachable.
int cio_take_error(int fd, struct sockaddr_storage *address, int *error);
// The addresses of the machine's interfaces that are up, without IPv6 link-local ones; returns how many, or -1.
int cio_local_addresses(struct sockaddr_storage *addresses, int capacity);
#endif
