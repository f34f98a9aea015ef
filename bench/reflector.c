/* The floor: a server that only sets the response bit and sends each query back.
 *
 * One thread for UDP (in batches) and one for TCP (all that is there, one write), so whatever a
 * real server costs beyond this is what it does with a query. Usage: reflector PORT */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BATCH = 64, DATAGRAM = 2048, BUFFER = 65536, EVENTS = 64 };

static struct sockaddr_in address;

static int open_socket(int type)
{
    int on = 1, fd = socket(AF_INET, type, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) ||
        bind(fd, (struct sockaddr *)&address, sizeof address)) {
        perror("reflector");
        exit(1);
    }
    return fd;
}

static void *serve_udp(void *unused)
{
    static unsigned char data[BATCH][DATAGRAM];
    static struct sockaddr_in from[BATCH];
    static struct iovec pieces[BATCH];
    static struct mmsghdr batch[BATCH];
    int fd = open_socket(SOCK_DGRAM);

    for (;;) {
        for (int i = 0; i < BATCH; i++) {
            pieces[i] = (struct iovec){data[i], DATAGRAM};
            batch[i].msg_hdr = (struct msghdr){
                .msg_name = &from[i], .msg_namelen = sizeof from[i],
                .msg_iov = &pieces[i], .msg_iovlen = 1};
        }
        int count = recvmmsg(fd, batch, BATCH, MSG_WAITFORONE, NULL);
        for (int i = 0; i < count; i++) {
            data[i][2] |= 0x80;
            pieces[i].iov_len = batch[i].msg_len;
        }
        for (int sent = 0; sent < count;) {
            int now = sendmmsg(fd, batch + sent, count - sent, 0);
            sent += now > 0 ? now : 1; /* a datagram that cannot be sent is lost, as on any path */
        }
    }
    return unused;
}

struct connection {
    int fd;
    size_t held;
    unsigned char data[BUFFER];
};

static int write_all(int fd, const unsigned char *data, size_t size)
{
    while (size > 0) {
        ssize_t wrote = write(fd, data, size);
        if (wrote < 0 && errno != EINTR)
            return -1;
        if (wrote > 0) {
            data += wrote;
            size -= wrote;
        }
    }
    return 0;
}

/* Answers every whole message that has arrived; keeps the rest. Returns -1 at the end. */
static int reflect(struct connection *c)
{
    ssize_t got = read(c->fd, c->data + c->held, BUFFER - c->held);
    size_t whole = 0;
    if (got <= 0)
        return -1;
    c->held += got;
    while (c->held - whole >= 2) {
        size_t size = c->data[whole] << 8 | c->data[whole + 1];
        if (size < 3 || c->held - whole - 2 < size)
            break;
        c->data[whole + 4] |= 0x80;
        whole += 2 + size;
    }
    if (write_all(c->fd, c->data, whole))
        return -1;
    memmove(c->data, c->data + whole, c->held - whole);
    c->held -= whole;
    return c->held == BUFFER ? -1 : 0;
}

static void serve_tcp(void)
{
    struct epoll_event events[EVENTS], wanted = {.events = EPOLLIN};
    int listener = open_socket(SOCK_STREAM), poll = epoll_create1(0);
    if (listen(listener, 512) || epoll_ctl(poll, EPOLL_CTL_ADD, listener, &wanted)) {
        perror("reflector");
        exit(1);
    }
    for (;;) {
        int count = epoll_wait(poll, events, EVENTS, -1);
        for (int i = 0; i < count; i++) {
            struct connection *c = events[i].data.ptr;
            if (c == NULL) {
                c = calloc(1, sizeof *c);
                c->fd = accept(listener, NULL, NULL);
                struct epoll_event added = {.events = EPOLLIN, .data.ptr = c};
                epoll_ctl(poll, EPOLL_CTL_ADD, c->fd, &added);
            } else if (reflect(c)) {
                close(c->fd);
                free(c);
            }
        }
    }
}

int main(int count, char **arguments)
{
    pthread_t thread;
    address = (struct sockaddr_in){
        .sin_family = AF_INET,
        .sin_port = htons(count > 1 ? atoi(arguments[1]) : 0),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (count != 2 || pthread_create(&thread, NULL, serve_udp, NULL))
        return 2;
    serve_tcp();
}
