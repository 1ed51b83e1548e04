/* delaylink MILLISECONDS COMMAND [ARGUMENT...]
 *
 * Runs a command in a network that is MILLISECONDS away, each way, from another one: what `tc
 * netem` does where the kernel has it. Two network namespaces are joined by a pair of TUN devices,
 * and this process carries each packet from one to the other when it has been under way for so
 * long. Rate and loss are not limited but by the processor.
 *
 *   10.99.0.1   where the command runs
 *   10.99.0.2   the other network; nsenter --net="$DELAYLINK_FAR" runs programs in it
 *
 * Both have a loopback device, and nothing leads out of them. They are gone with the last process
 * in them. Exits with the command's code, 128 and its signal's number, or 125 when the networks
 * can't be made (root only). SIGTERM and SIGHUP are passed on to the command, SIGINT is left to it.
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* A queue holds 12 MB: at 20 ms each way, 5 Gbit/s. What comes on top is lost, as it is in a
 * router. */
enum { PACKET_BYTES = 1500, QUEUE_PACKETS = 8192, DEVICE_PACKETS = 10000, NOT_ALLOWED = 125 };

struct packet {
    uint64_t due;
    size_t size;
    unsigned char bytes[PACKET_BYTES];
};

struct direction {
    int from, to; /* TUN devices */
    size_t first, count;
    struct packet packets[QUEUE_PACKETS];
};

/* ---- the networks */

static void set_device(int socket, unsigned long what, struct ifreq *device)
{
    if (ioctl(socket, what, device) != 0)
        err(NOT_ALLOWED, "can't set up the device %s", device->ifr_name);
}

static void bring_up(int socket, const char *name)
{
    struct ifreq device = {.ifr_flags = IFF_UP};
    snprintf(device.ifr_name, sizeof device.ifr_name, "%s", name);
    set_device(socket, SIOCSIFFLAGS, &device);
}

static void set_address(int socket, unsigned long what, struct ifreq *device, const char *address)
{
    struct sockaddr_in internet = {.sin_family = AF_INET};
    inet_pton(AF_INET, address, &internet.sin_addr);
    memcpy(&device->ifr_addr, &internet, sizeof internet);
    set_device(socket, what, device);
}

static void configure(struct ifreq *device, const char *address)
{
    int internet = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (internet < 0)
        err(NOT_ALLOWED, "can't make a socket");
    set_address(internet, SIOCSIFADDR, device, address);
    set_address(internet, SIOCSIFNETMASK, device, "255.255.255.0");
    device->ifr_qlen = DEVICE_PACKETS;
    set_device(internet, SIOCSIFTXQLEN, device);
    bring_up(internet, device->ifr_name);
    bring_up(internet, "lo");
    close(internet);
}

/* Without this the kernel starts a connection with what earlier ones to the same address have
 * learnt: the order in which programs are measured would matter. */
static void forget_connections(void)
{
    int file = open("/proc/sys/net/ipv4/tcp_no_metrics_save", O_WRONLY | O_CLOEXEC);
    if (file < 0 || write(file, "1", 1) != 1)
        warn("connections learn from earlier ones: tcp_no_metrics_save");
    if (file >= 0)
        close(file);
}

/* Moves this process into a new network; returns the TUN device that is its only way out. */
static int enter_new_network(const char *address)
{
    struct ifreq device = {.ifr_name = "delay0", .ifr_flags = IFF_TUN | IFF_NO_PI};
    if (unshare(CLONE_NEWNET) != 0)
        err(NOT_ALLOWED, "can't make a network namespace");
    int tun = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (tun < 0)
        err(NOT_ALLOWED, "can't open /dev/net/tun");
    set_device(tun, TUNSETIFF, &device);
    configure(&device, address);
    forget_connections();
    return tun;
}

static int this_network(void)
{
    int network = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    if (network < 0)
        err(NOT_ALLOWED, "/proc/self/ns/net");
    return network;
}

static struct direction *new_direction(int from, int to)
{
    struct direction *direction = malloc(sizeof *direction);
    if (!direction)
        err(NOT_ALLOWED, "no memory");
    direction->from = from;
    direction->to = to;
    direction->first = direction->count = 0;
    return direction;
}

/* The far network stays open as long as this process runs, and has a name for nsenter there. */
static void make_networks(struct direction *directions[2])
{
    char name[64];
    int near = enter_new_network("10.99.0.1"), home = this_network();
    int far = enter_new_network("10.99.0.2"), away = this_network();
    if (setns(home, CLONE_NEWNET) != 0)
        err(NOT_ALLOWED, "setns");
    snprintf(name, sizeof name, "/proc/%d/fd/%d", (int)getpid(), away);
    setenv("DELAYLINK_FAR", name, 1);
    directions[0] = new_direction(near, far);
    directions[1] = new_direction(far, near);
}

/* ---- the packets */

static uint64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

/* Takes all that the device has. */
static void receive(struct direction *direction, uint64_t delay)
{
    struct packet lost;
    for (;;) {
        size_t last = (direction->first + direction->count) % QUEUE_PACKETS;
        int full = direction->count == QUEUE_PACKETS;
        struct packet *packet = full ? &lost : &direction->packets[last];
        ssize_t size = read(direction->from, packet->bytes, sizeof packet->bytes);
        if (size <= 0)
            return;
        packet->size = (size_t)size;
        packet->due = now() + delay;
        direction->count += !full;
    }
}

/* Hands over all that is due. A packet that the device refuses is lost. */
static void deliver(struct direction *direction)
{
    while (direction->count > 0 && direction->packets[direction->first].due <= now()) {
        struct packet *packet = &direction->packets[direction->first];
        if (write(direction->to, packet->bytes, packet->size) < 0 && errno != EIO &&
            errno != EAGAIN)
            warn("a packet is lost");
        direction->first = (direction->first + 1) % QUEUE_PACKETS;
        direction->count--;
    }
}

/* How long until the next packet is due; NULL stands for ever. */
static struct timespec *time_left(struct direction *const directions[2], struct timespec *left)
{
    uint64_t due = UINT64_MAX, time = now();
    for (int i = 0; i < 2; i++)
        if (directions[i]->count > 0 && directions[i]->packets[directions[i]->first].due < due)
            due = directions[i]->packets[directions[i]->first].due;
    if (due == UINT64_MAX)
        return NULL;
    uint64_t wait = due > time ? due - time : 0;
    *left = (struct timespec){(time_t)(wait / 1000000000), (long)(wait % 1000000000)};
    return left;
}

/* ---- the command */

static sigset_t handled_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    return set;
}

static pid_t start(char *argv[])
{
    sigset_t set = handled_signals(), before;
    pid_t parent = getpid();
    sigprocmask(SIG_BLOCK, &set, &before);
    pid_t child = fork();
    if (child != 0)
        return child;
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent)
        _exit(NOT_ALLOWED);
    sigprocmask(SIG_SETMASK, &before, NULL);
    execvp(argv[0], argv);
    warn("%s", argv[0]);
    _exit(127);
}

/* Takes a signal; returns the exit code when it was the command's end, and else -1. */
static int take_signal(int signals, pid_t child)
{
    struct signalfd_siginfo info;
    int status;
    if (read(signals, &info, sizeof info) != (ssize_t)sizeof info)
        return -1;
    if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGHUP)
        kill(child, (int)info.ssi_signo);
    if (info.ssi_signo != SIGCHLD || waitpid(child, &status, WNOHANG) != child)
        return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int carry(struct direction *const directions[2], uint64_t delay, pid_t child)
{
    sigset_t set = handled_signals();
    struct pollfd events[3] = {{.fd = directions[0]->from, .events = POLLIN},
                               {.fd = directions[1]->from, .events = POLLIN},
                               {.fd = signalfd(-1, &set, SFD_CLOEXEC), .events = POLLIN}};
    if (events[2].fd < 0)
        err(NOT_ALLOWED, "signalfd");
    for (int code = -1; code < 0;) {
        struct timespec left;
        if (ppoll(events, 3, time_left(directions, &left), NULL) < 0)
            err(NOT_ALLOWED, "ppoll");
        if (events[2].revents && (code = take_signal(events[2].fd, child)) >= 0)
            return code;
        for (int i = 0; i < 2; i++) {
            receive(directions[i], delay);
            deliver(directions[i]);
        }
    }
    return 0;
}

int main(int argc, char *argv[])
{
    struct direction *directions[2];
    char *end = argc > 2 ? argv[1] : NULL;
    double milliseconds = end ? strtod(argv[1], &end) : 0;
    if (argc < 3 || *end != '\0' || milliseconds < 0 || milliseconds > 10000)
        errx(2, "usage: delaylink MILLISECONDS COMMAND [ARGUMENT...]");
    make_networks(directions);
    prctl(PR_SET_TIMERSLACK, 1000UL);
    pid_t child = start(argv + 2);
    if (child < 0)
        err(NOT_ALLOWED, "can't start %s", argv[2]);
    int code = carry(directions, (uint64_t)(milliseconds * 1e6), child);
    free(directions[0]);
    free(directions[1]);
    return code;
}
