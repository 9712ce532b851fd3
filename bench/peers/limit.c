// SPDX-License-Identifier: MIT
/*
 * The limit: what the system calls of a call cost, without a server around them. It answers every
 * request with the bytes of a file and looks at none.
 *
 *   limit [-k] [-w WORKERS] ANSWER PORT
 *
 *   without -k   accept, read, one write that leaves with the end of the connection, close
 *   -k           read and write on a connection that the caller keeps
 *   -w           processes that accept from the same socket
 */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

static char *answer;
static size_t answer_len;

static bool read_answer(const char *path) {
    FILE *file = fopen(path, "rb");

    if (!file || fseek(file, 0, SEEK_END))
        return false;
    answer_len = (size_t)ftell(file);
    answer = malloc(answer_len);
    rewind(file);
    bool whole = answer && fread(answer, 1, answer_len, file) == answer_len;
    fclose(file);
    return whole;
}

static int listen_on(unsigned short port) {
    const int on = 1;
    struct sockaddr_in addr = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    return bind(fd, (struct sockaddr *)&addr, sizeof(addr)) || listen(fd, 1024) ? -1 : fd;
}

static bool answer_all(int fd, int flags) {
    for (size_t sent = 0; sent < answer_len;) {
        ssize_t n = send(fd, answer + sent, answer_len - sent, flags | MSG_NOSIGNAL);
        if (n <= 0)
            return false;
        sent += (size_t)n;
    }
    return true;
}

__attribute__((noreturn)) static void serve(int fd, bool keep) {
    static char request[1 << 16];

    for (;;) {
        int client = accept(fd, NULL, NULL);
        while (client >= 0 && read(client, request, sizeof(request)) > 0 &&
               answer_all(client, keep ? 0 : MSG_MORE) && keep)
            ;
        close(client);
    }
}

int main(int argc, char **argv) {
    int option, workers = 1;
    bool keep = false;

    while ((option = getopt(argc, argv, "kw:")) > 0) {
        keep |= option == 'k';
        if (option == 'w')
            workers = atoi(optarg);
    }
    if (argc - optind != 2 || !read_answer(argv[optind]))
        return 2;
    int fd = listen_on((unsigned short)atoi(argv[optind + 1]));
    if (fd < 0)
        return 1;
    while (--workers > 0)
        if (fork() == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            break;
        }
    serve(fd, keep);
}
