// SPDX-License-Identifier: MIT
/*
 * A load generator that knows no protocol: it sends the same bytes again and again, on a connection
 * for each call or on one that is kept, checks every answer against the one expected, and prints
 * how long it took.
 *
 *   load [-k] [-t TAIL] ADDRESS CALLERS CALLS REQUEST ANSWER
 *
 *   ADDRESS   host:port or the path of a UNIX socket
 *   CALLERS   threads that call at once, sharing CALLS between them
 *   REQUEST, ANSWER   files
 *   -k        keep the connection; an answer ends with its last expected byte, otherwise with the
 *             connection. One that was closed meanwhile is opened again and counted
 *   -t TAIL   compare only the last TAIL bytes of an answer, and its length: what comes before may
 *             have a date in it
 *
 * Output, as JSON: calls, seconds, connections opened again, and the milliseconds within which 50,
 * 99 and 99.9 % of the calls were answered, connecting included. Ends with 1 at the first wrong
 * answer.
 */
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define CHUNK ((size_t)256 << 10)

struct bytes {
    char *data;
    size_t len;
};

static struct {
    struct sockaddr_storage addr;
    socklen_t addr_len;
    bool keep;
    size_t tail;
    struct bytes request, answer;
    long calls;
    double *took_ms; /* by each call */
} job;

static atomic_long next_call, reconnects;

__attribute__((noreturn)) static void die(const char *what) {
    fprintf(stderr, "load: %s: %s\n", what, errno ? strerror(errno) : "not the answer expected");
    exit(1);
}

static struct bytes read_file(const char *path) {
    struct bytes bytes = {0};
    FILE *file = fopen(path, "rb");

    if (!file || fseek(file, 0, SEEK_END) || (long)(bytes.len = (size_t)ftell(file)) < 0)
        die(path);
    rewind(file);
    bytes.data = malloc(bytes.len + 1);
    if (!bytes.data || fread(bytes.data, 1, bytes.len, file) != bytes.len)
        die(path);
    fclose(file);
    return bytes;
}

static void resolve(char *address) {
    char *port = strrchr(address, ':');
    struct addrinfo *found, hints = {.ai_socktype = SOCK_STREAM};

    if (!port) {
        struct sockaddr_un *un = (struct sockaddr_un *)&job.addr;
        un->sun_family = AF_UNIX;
        snprintf(un->sun_path, sizeof(un->sun_path), "%s", address);
        job.addr_len = sizeof(*un);
        return;
    }
    *port++ = 0;
    if (getaddrinfo(address, port, &hints, &found))
        die(address);
    memcpy(&job.addr, found->ai_addr, found->ai_addrlen);
    job.addr_len = found->ai_addrlen;
    freeaddrinfo(found);
}

static int dial(void) {
    const int on = 1;
    int fd = socket(job.addr.ss_family, SOCK_STREAM, 0);

    if (fd < 0 || connect(fd, (struct sockaddr *)&job.addr, job.addr_len))
        die("connect");
    if (job.addr.ss_family != AF_UNIX)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    return fd;
}

/* False when the other side has closed, which it may with a kept connection. */
static bool send_request(int fd) {
    for (size_t sent = 0; sent < job.request.len;) {
        ssize_t n = send(fd, job.request.data + sent, job.request.len - sent, MSG_NOSIGNAL);
        if (n < 0)
            return false;
        sent += (size_t)n;
    }
    return true;
}

/* Whether n bytes that arrived at offset at are those expected there, as far as that matters. */
static bool as_expected(const char *data, size_t at, size_t n) {
    size_t from = job.answer.len - job.tail;

    if (at + n > job.answer.len)
        return false;
    if (at + n <= from)
        return true;
    size_t skip = at < from ? from - at : 0;
    return memcmp(data + skip, job.answer.data + at + skip, n - skip) == 0;
}

/* False when the connection ended before the first byte. */
static bool receive_answer(int fd, char *buf) {
    size_t got = 0;

    while (!job.keep || got < job.answer.len) {
        errno = 0;
        ssize_t n = recv(fd, buf, CHUNK, 0);
        if (n <= 0 && got == 0)
            return false;
        if (n < 0)
            die("recv");
        if (n == 0)
            break;
        if (!as_expected(buf, got, (size_t)n))
            die("recv");
        got += (size_t)n;
    }
    if (got != job.answer.len)
        die("the end of an answer");
    return true;
}

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void *caller(void *unused) {
    char *buf = malloc(CHUNK);
    int fd = -1;
    long call;

    (void)unused;
    while ((call = atomic_fetch_add(&next_call, 1)) < job.calls) {
        double start = seconds();
        bool fresh = fd < 0;
        if (fresh)
            fd = dial();
        while (!send_request(fd) || !receive_answer(fd, buf)) {
            if (fresh)
                die("an answer");
            atomic_fetch_add(&reconnects, 1);
            close(fd);
            fd = dial();
            fresh = true;
        }
        job.took_ms[call] = (seconds() - start) * 1e3;
        if (!job.keep) {
            close(fd);
            fd = -1;
        }
    }
    if (fd >= 0)
        close(fd);
    free(buf);
    return NULL;
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The time within which a part of all calls was answered. */
static double percentile(double part) {
    return job.took_ms[(long)(part * (double)(job.calls - 1))];
}

static void report(double took) {
    qsort(job.took_ms, (size_t)job.calls, sizeof(*job.took_ms), by_value);
    printf("{\"calls\": %ld, \"seconds\": %.6f, \"reconnects\": %ld, \"p50_ms\": %.4f, \"p99_ms\": "
           "%.4f, "
           "\"p999_ms\": %.4f}\n",
           job.calls, took, atomic_load(&reconnects), percentile(0.5), percentile(0.99),
           percentile(0.999));
}

int main(int argc, char **argv) {
    pthread_t threads[256];
    int option, callers;
    long tail = -1;

    while ((option = getopt(argc, argv, "kt:")) > 0) {
        if (option == 'k')
            job.keep = true;
        else if (option == 't')
            tail = atol(optarg);
        else
            return 2;
    }
    if (argc - optind != 5 || (callers = atoi(argv[optind + 1])) < 1 || callers > 256)
        return 2;
    resolve(argv[optind]);
    job.calls = atol(argv[optind + 2]);
    if (job.calls < 1 || !(job.took_ms = calloc((size_t)job.calls, sizeof(*job.took_ms))))
        return 2;
    job.request = read_file(argv[optind + 3]);
    job.answer = read_file(argv[optind + 4]);
    job.tail = tail < 0 || (size_t)tail > job.answer.len ? job.answer.len : (size_t)tail;

    double start = seconds();
    for (int i = 0; i < callers; i++)
        if ((errno = pthread_create(&threads[i], NULL, caller, NULL)))
            die("pthread_create");
    for (int i = 0; i < callers; i++)
        pthread_join(threads[i], NULL);
    report(seconds() - start);
    return 0;
}
