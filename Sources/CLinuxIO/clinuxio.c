#define _GNU_SOURCE
#include "clinuxio.h"

#include <endian.h>
#include <linux/errqueue.h>
#include <linux/sock_diag.h>
#include <linux/sockios.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <time.h>

_Static_assert(sizeof(cio_mmsghdr) == sizeof(struct mmsghdr), "layout of mmsghdr");

static int64_t nanoseconds(struct timespec time) { return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec; }

int64_t cio_monotonic_nanoseconds(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return nanoseconds(time);
}

int64_t cio_wall_milliseconds(void) {
    struct timespec time;
    clock_gettime(CLOCK_REALTIME, &time);
    return nanoseconds(time) / 1000000;
}

int64_t cio_processor_nanoseconds(void) {
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return nanoseconds(time);
}

int cio_timer(void) { return timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC); }

void cio_set_timer(int fd, int64_t nanoseconds) {
    // A moment of 0 would stop it.
    if (nanoseconds < 1) nanoseconds = 1;
    struct itimerspec when = {.it_value = {nanoseconds / 1000000000, nanoseconds % 1000000000}};
    timerfd_settime(fd, TFD_TIMER_ABSTIME, &when, 0);
}

void cio_sleep_until(int64_t nanoseconds) {
    struct timespec when = {nanoseconds / 1000000000, nanoseconds % 1000000000};
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &when, 0);
}

cio_file_version cio_version_of(const char *path) {
    struct stat status;
    cio_file_version version = {0};
    if (stat(path, &status) != 0) return version;
    version.changed_nanoseconds = nanoseconds(status.st_mtim);
    version.octets = status.st_size;
    version.node = status.st_ino;
    return version;
}

socklen_t cio_write_address(struct sockaddr_storage *to, int is_ipv6, uint64_t high, uint64_t low, uint16_t port) {
    if (is_ipv6) {
        struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)to;
        memset(v6, 0, sizeof *v6);
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(port);
        uint64_t halves[2] = {htobe64(high), htobe64(low)};
        memcpy(&v6->sin6_addr, halves, 16);
        return sizeof *v6;
    }
    struct sockaddr_in *v4 = (struct sockaddr_in *)to;
    memset(v4, 0, sizeof *v4);
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    v4->sin_addr.s_addr = htonl((uint32_t)low);
    return sizeof *v4;
}

int cio_read_address(const struct sockaddr_storage *from, uint64_t *high, uint64_t *low, uint16_t *port) {
    if (from->ss_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)from;
        *high = 0;
        *low = ntohl(v4->sin_addr.s_addr);
        *port = ntohs(v4->sin_port);
        return 4;
    }
    if (from->ss_family != AF_INET6) return 0;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)from;
    uint64_t halves[2];
    memcpy(halves, &v6->sin6_addr, 16);
    *high = be64toh(halves[0]);
    *low = be64toh(halves[1]);
    *port = ntohs(v6->sin6_port);
    if (*high == 0 && *low >> 32 == 0xFFFF) {
        *low &= 0xFFFFFFFF;
        return 4;
    }
    return 6;
}

int cio_epoll_wait(int epoll, struct epoll_event *events, int capacity, int64_t nanoseconds) {
    struct timespec time = {nanoseconds / 1000000000, nanoseconds % 1000000000};
    int count = epoll_pwait2(epoll, events, capacity, nanoseconds < 0 ? 0 : &time, 0);
    if (count >= 0 || errno != ENOSYS && errno != EPERM) return count;
    // Before Linux 5.11: rounded up, so that nobody spins.
    int64_t milliseconds = nanoseconds < 0 ? -1 : (nanoseconds + 999999) / 1000000;
    return epoll_wait(epoll, events, capacity, milliseconds > 1000000 ? 1000000 : (int)milliseconds);
}

int cio_recvmmsg(int fd, cio_mmsghdr *messages, unsigned int count, int flags) {
    return recvmmsg(fd, (struct mmsghdr *)messages, count, flags, 0);
}

int cio_sendmmsg(int fd, cio_mmsghdr *messages, unsigned int count, int flags) {
    return sendmmsg(fd, (struct mmsghdr *)messages, count, flags);
}

int64_t cio_datagram_age(int fd) {
    struct timespec came, now;
    // FIONREAD would tell the length of the next one, which may be empty.
    struct pollfd queue = {.fd = fd, .events = POLLIN};
    if (poll(&queue, 1, 0) != 1 || !(queue.revents & POLLIN)) return 0;
    if (ioctl(fd, SIOCGSTAMPNS, &came) != 0) return 0;
    clock_gettime(CLOCK_REALTIME, &now);
    int64_t age = nanoseconds(now) - nanoseconds(came);
    return age < 0 ? 0 : age;
}

uint32_t cio_lost_datagrams(int fd) {
    uint32_t figures[SK_MEMINFO_VARS] = {0};
    socklen_t length = sizeof figures;
    return getsockopt(fd, SOL_SOCKET, SO_MEMINFO, figures, &length) == 0 ? figures[SK_MEMINFO_DROPS] : 0;
}

int cio_packet_destination(const struct msghdr *header, struct sockaddr_storage *address) {
    for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR((struct msghdr *)header, c)) {
        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
            struct in_pktinfo info;
            memcpy(&info, CMSG_DATA(c), sizeof info);
            // The address to answer from: that of the packet, unless it went to many.
            cio_write_address(address, 0, 0, ntohl(info.ipi_spec_dst.s_addr), 0);
            return 1;
        }
        if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
            struct in6_pktinfo info;
            uint64_t halves[2];
            memcpy(&info, CMSG_DATA(c), sizeof info);
            memcpy(halves, &info.ipi6_addr, 16);
            cio_write_address(address, 1, be64toh(halves[0]), be64toh(halves[1]), 0);
            return 1;
        }
    }
    return 0;
}

void cio_set_source(struct msghdr *header, void *control, int is_ipv6, uint64_t high, uint64_t low) {
    size_t size = is_ipv6 ? sizeof(struct in6_pktinfo) : sizeof(struct in_pktinfo);
    header->msg_control = control;
    header->msg_controllen = CMSG_SPACE(size);
    memset(control, 0, header->msg_controllen);
    struct cmsghdr *c = CMSG_FIRSTHDR(header);
    c->cmsg_len = CMSG_LEN(size);
    if (is_ipv6) {
        struct in6_pktinfo info = {0};
        uint64_t halves[2] = {htobe64(high), htobe64(low)};
        memcpy(&info.ipi6_addr, halves, 16);
        c->cmsg_level = IPPROTO_IPV6;
        c->cmsg_type = IPV6_PKTINFO;
        memcpy(CMSG_DATA(c), &info, sizeof info);
    } else {
        struct in_pktinfo info = {0};
        info.ipi_spec_dst.s_addr = htonl((uint32_t)low);
        c->cmsg_level = IPPROTO_IP;
        c->cmsg_type = IP_PKTINFO;
        memcpy(CMSG_DATA(c), &info, sizeof info);
    }
}

void cio_set_segment(struct msghdr *header, void *control, uint16_t octets) {
    size_t used = header->msg_control ? header->msg_controllen : 0;
    struct cmsghdr *c = (struct cmsghdr *)((char *)control + used);
    memset(c, 0, CMSG_SPACE(sizeof octets));
    c->cmsg_len = CMSG_LEN(sizeof octets);
    c->cmsg_level = SOL_UDP;
    c->cmsg_type = UDP_SEGMENT;
    memcpy(CMSG_DATA(c), &octets, sizeof octets);
    header->msg_control = control;
    header->msg_controllen = used + CMSG_SPACE(sizeof octets);
}

_Static_assert(cio_control_octets >= CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(sizeof(uint16_t)),
               "room for the control messages");

int cio_prepare_udp(int fd, int is_ipv6, int wants_destination, int buffer_octets) {
    int one = 1;
    // Beyond net.core.rmem_max only with CAP_NET_ADMIN.
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer_octets, sizeof buffer_octets) != 0)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer_octets, sizeof buffer_octets);
    if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &buffer_octets, sizeof buffer_octets) != 0)
        setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffer_octets, sizeof buffer_octets);
    if (is_ipv6) {
        if (wants_destination) setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &one, sizeof one);
        return setsockopt(fd, IPPROTO_IPV6, IPV6_RECVERR, &one, sizeof one);
    }
    if (wants_destination) setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &one, sizeof one);
    return setsockopt(fd, IPPROTO_IP, IP_RECVERR, &one, sizeof one);
}

int cio_take_error(int fd, struct sockaddr_storage *address, int *error) {
    char control[512];
    char octet;
    struct iovec vector = {&octet, 1};
    struct msghdr header = {0};
    header.msg_name = address;
    header.msg_namelen = sizeof *address;
    header.msg_iov = &vector;
    header.msg_iovlen = 1;
    header.msg_control = control;
    header.msg_controllen = sizeof control;
    if (recvmsg(fd, &header, MSG_ERRQUEUE | MSG_DONTWAIT) < 0) return 0;
    *error = 0;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&header); c; c = CMSG_NXTHDR(&header, c)) {
        int is_error = (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR) ||
                       (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR);
        if (!is_error) continue;
        struct sock_extended_err info;
        memcpy(&info, CMSG_DATA(c), sizeof info);
        // Destination unreachable is type 3 of ICMP and type 1 of ICMPv6; time exceeded, say, is none of them.
        int is_unreachable = (info.ee_origin == SO_EE_ORIGIN_ICMP && info.ee_type == 3) ||
                             (info.ee_origin == SO_EE_ORIGIN_ICMP6 && info.ee_type == 1);
        if (is_unreachable) *error = (int)info.ee_errno;
    }
    return 1;
}

int cio_local_addresses(struct sockaddr_storage *addresses, int capacity) {
    struct ifaddrs *list;
    if (getifaddrs(&list) != 0) return -1;
    int count = 0;
    // Those of loopback come last: they reach nobody else.
    for (int loopback = 0; loopback < 2; loopback++) {
        for (struct ifaddrs *i = list; i && count < capacity; i = i->ifa_next) {
            if (!i->ifa_addr || !(i->ifa_flags & IFF_UP) || ((i->ifa_flags & IFF_LOOPBACK) != 0) != loopback) continue;
            if (i->ifa_addr->sa_family == AF_INET) {
                memset(&addresses[count], 0, sizeof addresses[count]);
                memcpy(&addresses[count++], i->ifa_addr, sizeof(struct sockaddr_in));
            } else if (i->ifa_addr->sa_family == AF_INET6) {
                if (IN6_IS_ADDR_LINKLOCAL(&((const struct sockaddr_in6 *)i->ifa_addr)->sin6_addr)) continue;
                memset(&addresses[count], 0, sizeof addresses[count]);
                memcpy(&addresses[count++], i->ifa_addr, sizeof(struct sockaddr_in6));
            }
        }
    }
    freeifaddrs(list);
    return count;
}

int cio_ticker(void) { return timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC); }

int cio_set_ticker(int fd, int64_t interval_nanoseconds) {
    struct itimerspec times = {0};
    times.it_interval.tv_sec = interval_nanoseconds / 1000000000;
    times.it_interval.tv_nsec = interval_nanoseconds % 1000000000;
    times.it_value = times.it_interval;
    return timerfd_settime(fd, 0, &times, NULL);
}
