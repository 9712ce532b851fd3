// SPDX-License-Identifier: MIT
/*
 * http_loop PORT PATH COUNT: asks 127.0.0.1:PORT for PATH COUNT times over one connection, one
 * request after the other. Each answer has to be 200 with a Content-Length and a body; anything
 * else ends the program with 1.
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ANSWER_MAX 65536

static int dial(const char *port) {
    const struct sockaddr_in addr = {.sin_family = AF_INET,
                                     .sin_port = htons((uint16_t)atoi(port)),
                                     .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const int on = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || connect(fd, (const struct sockaddr *)&addr, sizeof(addr)) != 0)
        return -1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    return fd;
}

/* Bytes of the whole answer, 0 while its headers are not complete, -1 if it is not a good one. */
static long answer_len(const char *answer) {
    const char *end = strstr(answer, "\r\n\r\n"), *length = strstr(answer, "Content-Length: ");

    if (!end)
        return 0;
    if (strncmp(answer, "HTTP/1.1 200 ", 13) != 0 || !length || length > end ||
        atol(length + 16) < 1)
        return -1;
    return end + 4 - answer + atol(length + 16);
}

static int ask(int fd, const char *request, size_t request_len) {
    char answer[ANSWER_MAX];
    long got = 0, wanted = 0;

    if (write(fd, request, request_len) != (ssize_t)request_len)
        return -1;
    while (wanted == 0 || got < wanted) {
        ssize_t n = read(fd, answer + got, (size_t)(ANSWER_MAX - 1 - got));
        if (n <= 0)
            return -1;
        got += n;
        answer[got] = 0;
        if (wanted == 0 && (wanted = answer_len(answer)) < 0)
            return -1;
    }
    return got == wanted ? 0 : -1;
}

int main(int argc, char **argv) {
    char request[1024];

    if (argc != 4) {
        fprintf(stderr, "usage: http_loop PORT PATH COUNT\n");
        return 2;
    }
    int len = snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: soak\r\n\r\n", argv[2]);
    int fd = dial(argv[1]);
    if (fd < 0 || len < 0 || (size_t)len >= sizeof(request)) {
        perror("http_loop");
        return 1;
    }
    for (long i = 0, count = atol(argv[3]); i < count; i++)
        if (ask(fd, request, (size_t)len) != 0) {
            fprintf(stderr, "http_loop: call %ld of %s failed\n", i, argv[2]);
            return 1;
        }
    close(fd);
    return 0;
}
