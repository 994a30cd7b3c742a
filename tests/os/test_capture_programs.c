/* Capture, seen from programs that were not made for it. */
#include "os/captured.h"

#include <stdlib.h>

enum {
    ARGUMENTS_MAX = 8,
    ANSWER_SIZE = 4096,
};

struct program {
    const char *argv[ARGUMENTS_MAX];
    const char *directory;
};

static int run_program(const struct child_ends *ends, void *argument)
{
    const struct program *program = argument;
    int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    char *argv[ARGUMENTS_MAX];

    /* Open for as long as the program runs: the desk sees its end by it. */
    (void)fcntl(ends->news, F_SETFD, 0);
    for (size_t i = 0; i < ARGUMENTS_MAX; i++)
        argv[i] = program->argv[i] != NULL ? strdup(program->argv[i]) : NULL;
    WORKER_CHECK(dup2(nothing, STDOUT_FILENO) >= 0);
    WORKER_CHECK(program->directory == NULL || chdir(program->directory) == 0);
    (void)execv(argv[0], argv);
    WORKER_CHECK(!"execv");
    return 1;
}

/* Sends a request to the lane and reads the answer to its end. */
static void ask(const struct desk *desk, const char *path, char answer[static ANSWER_SIZE])
{
    char text[256];
    size_t size = 0;
    ssize_t count;
    int length =
        snprintf(text, sizeof text, "GET %s HTTP/1.0\r\nHost: localhost\r\n\r\n", path);
    int fd = socket(desk->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(connect(fd, (const struct sockaddr *)&desk->address, desk->address_size),
                     0);
    assert_int_equal(write(fd, text, (size_t)length), length);
    do {
        wait_readable(fd);
        count = read(fd, answer + size, ANSWER_SIZE - 1 - size);
        assert_true(count >= 0);
        size += (size_t)count;
    } while (count > 0 && size < ANSWER_SIZE - 1);
    answer[size] = '\0';
    (void)close(fd);
}

/* Answers the worker's calls until it has called listen on the lane. */
static void serve_until_it_listens(struct desk *desk, struct captured *captured)
{
    desk->notices = captured->notices;
    for (int before = desk->listens; desk->listens == before;) {
        struct capture_request request;

        desk_receive(captured, &request);
        desk_answer(desk, &request);
    }
}

static bool is_http(const char *answer)
{
    return strncmp(answer, "HTTP/1.", 7) == 0 && strncmp(answer + 8, " 200 ", 5) == 0;
}

/* Two workers on one port, each of which answers when the other is gone. */
static void serve_with(struct desk *desk, struct program *program, const char *path)
{
    char answer[ANSWER_SIZE];
    struct captured first = captured_start(run_program, program);
    struct captured second = captured_start(run_program, program);

    serve_until_it_listens(desk, &first);
    serve_until_it_listens(desk, &second);
    assert_int_equal(desk->placed, 2);
    ask(desk, path, answer);
    assert_true(is_http(answer));
    captured_kill(&first);
    ask(desk, path, answer);
    assert_true(is_http(answer));
    captured_kill(&second);
}

static const char *const nodes[] = {"/usr/bin/node", "/usr/local/bin/node", "/bin/node", NULL};
static const char *const pythons[] = {"/usr/bin/python3", "/usr/local/bin/python3", NULL};
static const char *const compilers[] = {"/usr/bin/cc", "/usr/bin/gcc", "/usr/bin/clang", NULL};

static const char *need_program(const char *name, const char *const *paths)
{
    const char *found = find_program(paths);

    if (found == NULL) {
        print_message("%s is not installed\n", name);
        skip();
    }
    return found;
}

static void node_that_just_listens_gets_the_lane(void **state)
{
    const char *node = need_program("node", nodes);
    struct desk desk;
    char source[256];
    struct program program = {.argv = {node, "-e", source}};

    (void)state;
    desk_open_tcp(&desk, "::"); /* where Node listens by itself */
    (void)snprintf(source, sizeof source,
                   "require('http').createServer((q, s) => s.end('hello')).listen(%d)",
                   desk_port(&desk));
    serve_with(&desk, &program, "/");
    assert_true(desk.placed_last.socket.nonblocking);
    assert_int_equal(desk.placed_last.socket.family, AF_INET6);
    desk_close(&desk);
}

static void node_on_port_0_is_left_alone(void **state)
{
    const char *node = need_program("node", nodes);
    struct program program = {
        .argv = {node, "-e",
                 "require('http').createServer().listen(0, '127.0.0.1', function () {"
                 " process.exit(this.address().port > 0 ? 0 : 1); })"}};
    struct captured captured;
    struct desk desk;

    (void)state;
    desk_open_tcp(&desk, "127.0.0.1");
    captured = captured_start(run_program, &program);
    desk_serve_to_end(&desk, &captured);
    assert_int_equal(desk.placed, 0);
    assert_int_equal(desk.passed, 2);
    desk_close(&desk);
}

/* It blocks in accept when there is something to accept, and has no stop logic at all. */
static void python_http_server_gets_the_lane(void **state)
{
    const char *python = need_program("python3", pythons);
    struct desk desk;
    char port[16];
    struct program program = {
        .argv = {python, "-m", "http.server", "--bind", "127.0.0.1", port},
        .directory = *state};

    desk_open_tcp(&desk, "127.0.0.1");
    (void)snprintf(port, sizeof port, "%d", desk_port(&desk));
    serve_with(&desk, &program, "/");
    assert_false(desk.placed_last.socket.nonblocking);
    desk_close(&desk);
}

static const char server_source[] =
    "#include <arpa/inet.h>\n"
    "#include <stdlib.h>\n"
    "#include <sys/socket.h>\n"
    "#include <unistd.h>\n"
    "int main(int argc, char **argv)\n"
    "{\n"
    "    struct sockaddr_in a = {.sin_family = AF_INET};\n"
    "    int fd = socket(AF_INET, SOCK_STREAM, 0), c, on = 1;\n"
    "    char buffer[4096];\n"
    "    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);\n"
    "    a.sin_port = htons(argc > 1 ? atoi(argv[1]) : 0);\n"
    "    if (bind(fd, (struct sockaddr *)&a, sizeof a) || listen(fd, 5))\n"
    "        return 1;\n"
    "    while ((c = accept(fd, 0, 0)) >= 0) {\n"
    "        if (read(c, buffer, sizeof buffer) > 0)\n"
    "            (void)!write(c, \"HTTP/1.0 200 OK\\r\\n\\r\\nhello\", 24);\n"
    "        close(c);\n"
    "    }\n"
    "    return 2;\n"
    "}\n";

static void compile(const char *compiler, const char *source, const char *program)
{
    int fd = open(source, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    int status = -1;
    pid_t pid;

    assert_int_equal(write(fd, server_source, sizeof server_source - 1),
                     sizeof server_source - 1);
    (void)close(fd);
    pid = fork();
    if (pid == 0) {
        (void)execl(compiler, compiler, "-O1", "-static", "-o", program, source, (char *)NULL);
        _exit(127);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (status != 0) {
        print_message("no static program can be linked here\n");
        skip();
    }
}

/* LD_PRELOAD, which others use for this, would not reach it. */
static void static_program_gets_the_lane(void **state)
{
    const char *compiler = need_program("a C compiler", compilers);
    char source[PATH_MAX];
    char path[PATH_MAX];
    char port[16];
    struct desk desk;
    struct program program = {.argv = {path, port}};

    compile(compiler, scratch_path(state, "server.c", source),
            scratch_path(state, "server", path));
    desk_open_tcp(&desk, "127.0.0.1");
    (void)snprintf(port, sizeof port, "%d", desk_port(&desk));
    serve_with(&desk, &program, "/");
    desk_close(&desk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(node_that_just_listens_gets_the_lane),
        cmocka_unit_test(node_on_port_0_is_left_alone),
        scratch_test(python_http_server_gets_the_lane),
        scratch_test(static_program_gets_the_lane),
    };

    return run_capture_tests(tests);
}
