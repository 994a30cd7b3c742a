/* A server in one static file: a thread for each connection, which is kept. It knows nothing of
 * reloadd and has no stop logic: it binds its port, and SIGTERM ends it.
 *
 *     GET /echo/ID[?ms=N]   "ID REVISION PID\n", after N ms
 *
 * No more of HTTP than its clients use: a request is a head of at most HEAD_SIZE bytes,
 * without a body. */
#define _GNU_SOURCE /* strcasestr() */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    HEAD_SIZE = 8192,
    ANSWER_SIZE = 512,
    BACKLOG = 511,
};

struct connection {
    int fd;
    size_t size; /* of what has come and is not answered */
    char bytes[HEAD_SIZE + 1];
};

/* Reads until a whole head is there; its size, or 0: the connection is over. */
static size_t read_head(struct connection *connection)
{
    for (;;) {
        connection->bytes[connection->size] = '\0';
        const char *end = strstr(connection->bytes, "\r\n\r\n");
        if (end != NULL)
            return (size_t)(end - connection->bytes) + 4;
        ssize_t n = read(connection->fd, connection->bytes + connection->size,
                         HEAD_SIZE - connection->size);
        if (n <= 0)
            return 0;
        connection->size += (size_t)n;
    }
}

static bool write_all(int fd, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t n = write(fd, bytes, size);
        if (n <= 0)
            return false;
        bytes += n;
        size -= (size_t)n;
    }
    return true;
}

static bool answer(int fd, const char *head)
{
    unsigned long long id = 0;
    unsigned int ms = 0;
    if (sscanf(head, "GET /echo/%llu?ms=%u", &id, &ms) < 1)
        return write_all(fd, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", 45);
    struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
    (void)nanosleep(&pause, NULL);

    const char *revision = getenv("RELOADD_REVISION");
    char body[ANSWER_SIZE / 2];
    char text[ANSWER_SIZE];
    int length = snprintf(body, sizeof body, "%llu %s %d\n", id,
                          revision != NULL ? revision : "0", (int)getpid());
    int size =
        snprintf(text, sizeof text,
                 "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s",
                 length, body);
    return write_all(fd, text, (size_t)size);
}

static void *serve(void *argument)
{
    struct connection *connection = argument;
    bool keeps = true;
    while (keeps) {
        size_t head = read_head(connection);
        if (head == 0)
            break;
        char kept = connection->bytes[head];
        connection->bytes[head] = '\0';
        keeps = answer(connection->fd, connection->bytes) &&
                strcasestr(connection->bytes, "\r\nConnection: close\r\n") == NULL;
        connection->bytes[head] = kept;
        connection->size -= head;
        memmove(connection->bytes, connection->bytes + head, connection->size);
    }
    (void)close(connection->fd);
    free(connection);
    return NULL;
}

static int open_listener(uint16_t port)
{
    static const int on = 1;
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons(port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ||
        bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, BACKLOG) < 0)
        return -1;
    return fd;
}

static bool start_thread(int fd)
{
    static const int on = 1;
    struct connection *connection = malloc(sizeof *connection);
    if (connection == NULL)
        return false;
    connection->fd = fd;
    connection->size = 0;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    pthread_t thread;
    if (pthread_create(&thread, NULL, serve, connection) != 0) {
        free(connection);
        return false;
    }
    return pthread_detach(thread) == 0;
}

int main(void)
{
    const char *port = getenv("PORT");
    int listener = open_listener((uint16_t)(port != NULL ? atoi(port) : 8080));
    if (listener < 0) {
        perror("listen");
        return EXIT_FAILURE;
    }
    /* A client that goes away in the middle is no concern of the others. */
    (void)signal(SIGPIPE, SIG_IGN);
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        if (fd >= 0 && !start_thread(fd))
            (void)close(fd);
    }
}
