#include "server.h"

#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { CHUNKS_A_SECOND = 4 };

static int on_url(http_parser *parser, const char *bytes, size_t size)
{
    struct connection *connection = parser->data;
    if (connection->path_n + size >= sizeof connection->path)
        return -1;
    memcpy(connection->path + connection->path_n, bytes, size);
    connection->path_n += size;
    connection->path[connection->path_n] = '\0';
    return 0;
}

static int on_message_complete(http_parser *parser)
{
    struct connection *connection = parser->data;
    connection->complete = true;
    connection->close = http_should_keep_alive(parser) == 0;
    /* The next request of a pipeline waits in `in` until this one is answered. */
    http_parser_pause(parser, 1);
    return 0;
}

void request_begin(struct connection *connection)
{
    http_parser_init(&connection->parser, HTTP_REQUEST);
    connection->parser.data = connection;
    connection->complete = false;
    connection->path_n = 0;
    connection->path[0] = '\0';
    connection->greeted = false;
}

int request_parse(struct connection *connection)
{
    static const http_parser_settings settings = {
        .on_url = on_url,
        .on_message_complete = on_message_complete,
    };
    size_t parsed =
        http_parser_execute(&connection->parser, &settings, connection->in, connection->in_n);
    enum http_errno error = HTTP_PARSER_ERRNO(&connection->parser);
    if (error != HPE_OK && error != HPE_PAUSED)
        return -EINVAL;
    memmove(connection->in, connection->in + parsed, connection->in_n - parsed);
    connection->in_n -= parsed;
    return connection->complete;
}

/* The number after `key` in the query, or `otherwise`. */
static unsigned int query_number(const char *path, const char *key, unsigned int otherwise)
{
    const char *query = strchr(path, '?');
    const char *found = query != NULL ? strstr(query, key) : NULL;
    unsigned int number = otherwise;
    if (found != NULL && sscanf(found + strlen(key), "%5u", &number) != 1)
        number = otherwise;
    return number;
}

void answer_plan(struct connection *connection, struct instant now)
{
    const char *path = connection->path;
    connection->streamed = strncmp(path, "/stream/", 8) == 0;
    connection->chunk = 0;
    connection->chunk_n = 0;
    connection->due = now;
    if (connection->streamed)
        connection->chunk_n = query_number(path, "seconds=", 8) * CHUNKS_A_SECOND;
    else
        connection->due = instant_plus(now, span_from_ms(query_number(path, "ms=", 0)));
}

__attribute__((format(printf, 2, 3))) static void put(struct connection *connection,
                                                      const char *format, ...)
{
    size_t left = sizeof connection->out - connection->out_n;
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(connection->out + connection->out_n, left, format, arguments);
    va_end(arguments);
    assert(size >= 0 && (size_t)size < left);
    connection->out_n += (size_t)size;
}

static void put_chunk(struct connection *connection, const char *text)
{
    put(connection, "%zx\r\n%s\r\n", strlen(text), text);
}

/* The first line of both bodies. Empty where the path asks for neither. */
static void greeting(const struct connection *connection, const struct server *server,
                     char ret[128])
{
    unsigned long long id = 0;
    ret[0] = '\0';
    if (sscanf(connection->path, connection->streamed ? "/stream/%19llu" : "/echo/%19llu",
               &id) == 1)
        (void)snprintf(ret, 128, "%llu %s %d\n", id, server->revision, (int)getpid());
}

static void write_chunk(struct connection *connection)
{
    char text[32];
    (void)snprintf(text, sizeof text,
                   connection->chunk < connection->chunk_n ? "chunk %u\n" : "end %u\n",
                   connection->chunk);
    put_chunk(connection, text);
    if (connection->chunk == connection->chunk_n)
        put(connection, "0\r\n\r\n");
    connection->chunk++;
}

static void write_first(struct connection *connection, const struct server *server)
{
    const char *close_line = connection->close ? "Connection: close\r\n" : "";
    char line[128];
    greeting(connection, server, line);
    bool found = line[0] != '\0';
    put(connection, "HTTP/1.1 %s\r\nContent-Type: text/plain\r\n%s",
        found ? "200 OK" : "404 Not Found", close_line);
    if (!connection->streamed || !found) {
        connection->streamed = false;
        put(connection, "Content-Length: %zu\r\n\r\n%s", strlen(line), line);
        return;
    }
    put(connection, "Transfer-Encoding: chunked\r\n\r\n");
    put_chunk(connection, line);
}

void answer_write(struct connection *connection, const struct server *server)
{
    connection->out_n = 0;
    connection->out_sent = 0;
    if (connection->greeted) {
        write_chunk(connection);
    } else {
        /* Decided with the head, which says it: an answer under way keeps the word it gave. */
        connection->close = connection->close || server->draining;
        write_first(connection, server);
    }
    connection->greeted = true;
    connection->due = instant_plus(connection->due, span_from_ms(1000 / CHUNKS_A_SECOND));
}

bool answer_is_whole(const struct connection *connection)
{
    return !connection->streamed || connection->chunk > connection->chunk_n;
}
