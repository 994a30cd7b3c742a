/* A statically linked server that knows nothing of reloadd: it binds 127.0.0.1 and the port of
 * its argument, accepts blocking, answers and closes. SIGTERM ends it at once, as it ends any
 * program that has not asked otherwise.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int answer(int client)
{
    char request[4096];
    char response[256];
    char body[32];
    int body_size = snprintf(body, sizeof(body), "{\"pid\": %d}\n", (int)getpid());
    int size = snprintf(response, sizeof(response),
                        "HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s",
                        body_size, body);

    if (read(client, request, sizeof(request)) <= 0)
        return 0;
    return write(client, response, (size_t)size) == size ? 0 : 1;
}

int main(int argc, char **argv)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    int on = 1;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    if (argc != 2 || fd < 0)
        return 2;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons((uint16_t)atoi(argv[1]));
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
        bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
        listen(fd, 64) < 0) {
        perror("bind");
        return 1;
    }
    for (;;) {
        int client = accept(fd, NULL, NULL);

        if (client < 0)
            return 1;
        (void)answer(client);
        (void)close(client);
    }
}
