#define _GNU_SOURCE
#include "cterminal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

// Only what may be done in the handler of a signal is done to these.
static struct termios before;
static volatile sig_atomic_t is_taken;
static int terminal = -1;
static int signal_pipe[2] = {-1, -1};

static const char take_sequence[] = "\x1b[?1049h\x1b[?1000h\x1b[?1006h\x1b[?2004h\x1b[0m\x1b[2J\x1b[H\x1b[?25l";
static const char give_sequence[] = "\x1b[0m\x1b[?2004l\x1b[?1006l\x1b[?1000l\x1b[?25h\x1b[?1049l";

static void write_all(const char *text, size_t count) {
    while (count > 0) {
        ssize_t written = write(terminal, text, count);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return;
        text += written;
        count -= (size_t)written;
    }
}

void ct_give_back(void) {
    if (!is_taken) return;
    is_taken = 0;
    int saved = errno;
    write_all(give_sequence, sizeof give_sequence - 1);
    tcsetattr(terminal, TCSANOW, &before);
    errno = saved;
}

static void crashed(int number) {
    ct_give_back();
    // SA_RESETHAND has set the default action: the process dies of the signal as it would have.
    raise(number);
}

int ct_take(int fd) {
    if (is_taken) return 0;
    if (tcgetattr(fd, &before) != 0) return -1;
    static int is_prepared;
    if (!is_prepared) {
        is_prepared = 1;
        atexit(ct_give_back);
        struct sigaction action;
        memset(&action, 0, sizeof action);
        action.sa_handler = crashed;
        action.sa_flags = SA_RESETHAND | SA_NODEFER;
        const int crashes[] = {SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGFPE, SIGABRT, SIGQUIT, SIGSYS};
        for (size_t i = 0; i < sizeof crashes / sizeof *crashes; i++) sigaction(crashes[i], &action, NULL);
    }
    struct termios raw = before;
    raw.c_iflag &= ~(tcflag_t)(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
    raw.c_oflag &= ~(tcflag_t)OPOST;
    raw.c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON | ISIG | IEXTEN);
    raw.c_cflag &= ~(tcflag_t)(CSIZE | PARENB);
    raw.c_cflag |= CS8;
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    terminal = fd;
    if (tcsetattr(fd, TCSANOW, &raw) != 0) return -1;
    is_taken = 1;
    write_all(take_sequence, sizeof take_sequence - 1);
    return 0;
}

int ct_size(int fd, int *columns, int *rows) {
    struct winsize size;
    if (ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0) return 0;
    *columns = size.ws_col;
    *rows = size.ws_row;
    return 1;
}

static void told(int number) {
    int saved = errno;
    char octet = number == SIGWINCH ? 'w' : 's';
    (void)!write(signal_pipe[1], &octet, 1);
    errno = saved;
}

static void listen_for(int number) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = told;
    action.sa_flags = SA_RESTART;
    sigaction(number, &action, NULL);
}

int ct_signals(void) {
    if (signal_pipe[0] < 0) {
        if (pipe(signal_pipe) != 0) return -1;
        for (int i = 0; i < 2; i++) {
            fcntl(signal_pipe[i], F_SETFD, FD_CLOEXEC);
            fcntl(signal_pipe[i], F_SETFL, O_NONBLOCK);
        }
    }
    listen_for(SIGWINCH);
    listen_for(SIGTSTP);
    return signal_pipe[0];
}

void ct_stop(void) {
    signal(SIGTSTP, SIG_DFL);
    // All that the shell has started with us stops, as by the key. The signal stops every thread.
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTSTP);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    kill(0, SIGTSTP);
    listen_for(SIGTSTP);
}

int ct_wait(int fd, int signals, int milliseconds) {
    struct pollfd polled[2] = {{.fd = fd, .events = POLLIN}, {.fd = signals, .events = POLLIN}};
    if (poll(polled, 2, milliseconds) <= 0) return 0;
    return (polled[0].revents ? 1 : 0) | (polled[1].revents ? 2 : 0);
}
