#include "options.h"

#include "base/error.h"

#include <arpa/inet.h>
#include <getopt.h>
#include <limits.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

struct shape_default {
    const char *name;
    unsigned int connections;
    unsigned int timeout_seconds;
    double rate;
    enum shape shape;
};

static const struct shape_default shapes[] = {
    {"S1", 64, 5, 0, SHAPE_S1},    {"S2", 64, 5, 0, SHAPE_S2},  {"S3", 256, 5, 0, SHAPE_S3},
    {"S4", 32, 45, 0, SHAPE_S4},   {"S5", 16, 60, 0, SHAPE_S5}, {"S1R", 64, 5, 500, SHAPE_S1},
    {"S2R", 64, 5, 500, SHAPE_S2},
};

static const char help[] =
    "usage: loadclient --shape SHAPE [OPTION]... ADDRESS\n"
    "\n"
    "Makes HTTP requests and checks every answer to the last byte. Never retries. Counts each\n"
    "request that did not get its whole, right answer, by class. Exit code: 0 none was lost,\n"
    "1 some were, 2 usage, 3 the client itself failed.\n"
    "\n"
    "ADDRESS is HOST:PORT (numeric: 127.0.0.1:8080, [::1]:8080) or the path of a unix socket.\n"
    "\n"
    "  --shape S1          a new connection for each request, 64 connections at a time\n"
    "  --shape S2          keep-alive, 64 busy connections\n"
    "  --shape S3          keep-alive, 256 connections that idle 0 to 500 ms\n"
    "  --shape S4          requests of 2 s (GET /echo/ID?ms=2000), 32 connections\n"
    "  --shape S5          streams of 8 s (GET /stream/ID?seconds=8), 16 connections\n"
    "  --shape S1R, S2R    S1 and S2 at 500 requests a second\n"
    "  --close             a new connection for each request, in any shape\n"
    "  --connections N     instead of the shape's own number\n"
    "  --rate N            requests a second, all connections together\n"
    "  --seconds N         begin no more requests after N seconds\n"
    "  --requests N        begin no more than N requests\n"
    "                      (neither: until SIGTERM or SIGINT; requests under way are "
    "finished)\n"
    "  --timeout N         seconds that a request may take (5; S4: 45, S5: 60)\n"
    "  --slow-ms N         the delay of S4 (2000)\n"
    "  --stream-seconds N  the length of S5 (8)\n"
    "  --seed N            of the pauses of S3 (1)\n"
    "  --json FILE         the report as JSON (- is stdout), instead of text on stdout\n"
    "  --timeline FILE     a line of JSON every 100 ms: answers by revision, losses\n";

enum option_id {
    OPTION_SHAPE,
    OPTION_CONNECTIONS,
    OPTION_RATE,
    OPTION_SECONDS,
    OPTION_REQUESTS,
    OPTION_TIMEOUT,
    OPTION_SLOW,
    OPTION_STREAM,
    OPTION_SEED,
    OPTION_CLOSE,
    OPTION_JSON,
    OPTION_TIMELINE,
    OPTION_HELP,
};

static const struct option long_options[] = {
    {"shape", required_argument, NULL, OPTION_SHAPE},
    {"connections", required_argument, NULL, OPTION_CONNECTIONS},
    {"rate", required_argument, NULL, OPTION_RATE},
    {"seconds", required_argument, NULL, OPTION_SECONDS},
    {"requests", required_argument, NULL, OPTION_REQUESTS},
    {"timeout", required_argument, NULL, OPTION_TIMEOUT},
    {"slow-ms", required_argument, NULL, OPTION_SLOW},
    {"stream-seconds", required_argument, NULL, OPTION_STREAM},
    {"seed", required_argument, NULL, OPTION_SEED},
    {"close", no_argument, NULL, OPTION_CLOSE},
    {"json", required_argument, NULL, OPTION_JSON},
    {"timeline", required_argument, NULL, OPTION_TIMELINE},
    {"help", no_argument, NULL, OPTION_HELP},
    {0},
};

/* What the command line said, before the shape's defaults fill in the rest. */
struct wish {
    const struct shape_default *shape;
    bool close;
    double number[OPTION_HELP + 1]; /* negative: not said */
};

const char *shape_name(enum shape shape)
{
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        if (shapes[i].shape == shape)
            return shapes[i].name;
    }
    return "?";
}

static int parse_port(const char *text, in_port_t *ret)
{
    char *end = NULL;
    unsigned long port = strtoul(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != '\0' || port == 0 || port > UINT16_MAX)
        return -EINVAL;
    *ret = htons((uint16_t)port);
    return 0;
}

/* HOST:PORT, [HOST]:PORT, or a path. */
static int parse_address(struct options *options, const char *text)
{
    if (strchr(text, '/') != NULL) {
        struct sockaddr_un *un = (struct sockaddr_un *)&options->address;
        if (strlen(text) >= sizeof un->sun_path)
            return -ENAMETOOLONG;
        un->sun_family = AF_UNIX;
        memcpy(un->sun_path, text, strlen(text) + 1);
        options->address_size = sizeof *un;
        (void)snprintf(options->host, sizeof options->host, "localhost");
        return 0;
    }
    (void)snprintf(options->host, sizeof options->host, "%s", text);
    const char *colon = strrchr(text, ':');
    char host[INET6_ADDRSTRLEN] = "";
    size_t size = colon != NULL ? (size_t)(colon - text) : 0;
    bool bracketed = size > 2 && text[0] == '[' && text[size - 1] == ']';
    if (bracketed) {
        text++;
        size -= 2;
    }
    if (size == 0 || size >= sizeof host)
        return -EINVAL;
    memcpy(host, text, size);
    if (bracketed) {
        struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&options->address;
        in6->sin6_family = AF_INET6;
        options->address_size = sizeof *in6;
        if (inet_pton(AF_INET6, host, &in6->sin6_addr) != 1)
            return -EINVAL;
        return parse_port(colon + 1, &in6->sin6_port);
    }
    struct sockaddr_in *in = (struct sockaddr_in *)&options->address;
    in->sin_family = AF_INET;
    options->address_size = sizeof *in;
    if (inet_pton(AF_INET, host, &in->sin_addr) != 1)
        return -EINVAL;
    return parse_port(colon + 1, &in->sin_port);
}

static int parse_number(const char *text, double *ret)
{
    char *end = NULL;
    errno = 0;
    double number = strtod(text, &end);
    if (end == text || *end != '\0' || errno != 0 || !(number >= 0) || number > 1e9)
        return -EINVAL;
    *ret = number;
    return 0;
}

static const struct shape_default *find_shape(const char *name)
{
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        if (strcmp(shapes[i].name, name) == 0)
            return &shapes[i];
    }
    return NULL;
}

static double or_default(double said, double otherwise)
{
    return said < 0 ? otherwise : said;
}

static void apply(struct options *options, const struct wish *wish)
{
    const struct shape_default *shape = wish->shape;
    const double *number = wish->number;
    options->shape = shape->shape;
    options->keep_alive = shape->shape != SHAPE_S1 && !wish->close;
    options->connections =
        (unsigned int)or_default(number[OPTION_CONNECTIONS], shape->connections);
    options->rate = or_default(number[OPTION_RATE], shape->rate);
    options->seconds = or_default(number[OPTION_SECONDS], 0);
    options->requests = (uint64_t)or_default(number[OPTION_REQUESTS], 0);
    options->timeout = span_from_ms(
        (uint64_t)(or_default(number[OPTION_TIMEOUT], shape->timeout_seconds) * 1e3));
    options->slow_ms = (unsigned int)or_default(number[OPTION_SLOW], 2000);
    options->stream_s = (unsigned int)or_default(number[OPTION_STREAM], 8);
    options->seed = (uint64_t)or_default(number[OPTION_SEED], 1);
}

/* Returns 0; 1: wrong, and said so; 2: help printed. */
static int take_option(struct options *options, struct wish *wish, int id)
{
    switch (id) {
    case OPTION_HELP:
        (void)fputs(help, stdout);
        return 2;
    case OPTION_CLOSE:
        wish->close = true;
        return 0;
    case OPTION_JSON:
        options->json = optarg;
        return 0;
    case OPTION_TIMELINE:
        options->timeline = optarg;
        return 0;
    case OPTION_SHAPE:
        wish->shape = find_shape(optarg);
        if (wish->shape == NULL)
            (void)fprintf(stderr, "loadclient: there is no shape \"%s\"\n", optarg);
        return wish->shape == NULL;
    case '?':
        return 1;
    default:
        if (parse_number(optarg, &wish->number[id]) == 0)
            return 0;
        (void)fprintf(stderr, "loadclient: not a number: \"%s\"\n", optarg);
        return 1;
    }
}

int options_parse(struct options *ret_options, int argc, char **argv)
{
    struct options options = {0};
    struct wish wish = {0};
    for (size_t i = 0; i < sizeof wish.number / sizeof wish.number[0]; i++)
        wish.number[i] = -1;
    for (;;) {
        int id = getopt_long(argc, argv, "", long_options, NULL);
        if (id == -1)
            break;
        int r = take_option(&options, &wish, id);
        if (r != 0)
            return r;
    }
    if (wish.shape == NULL || optind + 1 != argc) {
        (void)fputs("loadclient: --shape and one address are needed (see --help)\n", stderr);
        return 1;
    }
    if (parse_address(&options, argv[optind]) < 0) {
        (void)fprintf(stderr, "loadclient: not an address: \"%s\"\n", argv[optind]);
        return 1;
    }
    apply(&options, &wish);
    if (options.connections == 0 || options.connections > UINT16_MAX ||
        options.timeout.nanoseconds == 0) {
        (void)fputs("loadclient: --connections (up to 65535) and --timeout begin at 1\n",
                    stderr);
        return 1;
    }
    *ret_options = options;
    return 0;
}
