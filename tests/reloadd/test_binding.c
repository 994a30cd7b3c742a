#include "reloadd/binding.h"

#include "os/scratch.h"

#include <arpa/inet.h>
#include <sys/un.h>

/* A bind of this process's, which no kernel has told of. */
static struct capture_request request_of(int family, const void *address, socklen_t size)
{
    struct capture_request request = {
        .thread = getpid(),
        .call = CAPTURE_BIND,
        .fd = -1,
        .socket = {.family = family},
        .address_size = size,
    };

    memcpy(&request.address, address, size);
    return request;
}

static struct capture_request ipv4(const char *host, uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};

    assert_int_equal(inet_pton(AF_INET, host, &address.sin_addr), 1);
    return request_of(AF_INET, &address, sizeof(address));
}

static struct capture_request ipv6(const char *host, uint16_t port)
{
    struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_port = htons(port)};

    assert_int_equal(inet_pton(AF_INET6, host, &address.sin6_addr), 1);
    return request_of(AF_INET6, &address, sizeof(address));
}

static struct capture_request local(const char *path, size_t size)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    memcpy(address.sun_path, path, size);
    return request_of(AF_UNIX, &address,
                      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size));
}

static void assert_reads(struct capture_request request, const char *address)
{
    struct binding binding;

    assert_int_equal(binding_read(&request, &binding), 0);
    assert_string_equal(binding.address, address);
}

static void addresses_become_canonical(void **state)
{
    (void)state;
    assert_reads(ipv4("127.0.0.1", 80), "127.0.0.1:80");
    assert_reads(ipv6("::", 80), "[::]:80");
    assert_reads(ipv6("::ffff:127.0.0.1", 80), "127.0.0.1:80");
    assert_reads(local("\0name", 5), "@name");
}

static void paths_are_of_the_workers_folder_and_without_links(void **state)
{
    char folder[PATH_MAX];
    char link[PATH_MAX];
    char expected[PATH_MAX + 16];
    char through[PATH_MAX + 16];
    _cleanup_free_ char *before = getcwd(NULL, 0);

    assert_int_equal(mkdir(scratch_path(state, "real", folder), 0755), 0);
    assert_int_equal(symlink(folder, scratch_path(state, "link", link)), 0);
    (void)snprintf(expected, sizeof(expected), "%s/sock", folder);
    (void)snprintf(through, sizeof(through), "%s/sock", link);
    assert_reads(local(through, strlen(through) + 1), expected);
    assert_int_equal(chdir(link), 0);
    assert_reads(local("sock", 5), expected);
    assert_reads(local("./../link/sock", 15), expected);
    assert_int_equal(chdir(before), 0);
}

static void what_is_no_address_of_a_listener_is_left_alone(void **state)
{
    struct capture_request wrong[] = {
        ipv4("127.0.0.1", 80),
        ipv4("127.0.0.1", 80),
        ipv4("127.0.0.1", 80),
        local("", 0),
        local("/no/such/folder/sock", 21),
    };
    struct binding binding;

    (void)state;
    wrong[0].socket.family = AF_UNSPEC;
    wrong[1].socket.family = AF_INET6;
    wrong[2].address_error = -EPERM;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_int_equal(binding_read(&wrong[i], &binding), 1);
}

/* Which of the listeners, by its bound address, a bind gets; NULL: none. */
struct rule {
    struct capture_request request;
    const char *gets;
    bool exactly;
};

static char any4[] = "0.0.0.0:80";
static char one4[] = "127.0.0.1:81";
static char any6[] = "[::]:82";
static char only6[] = "[::]:83";

static void rules_find_the_listener_that_is_meant(void **state)
{
    struct listener items[] = {
        {.bound = any4, .port = 80, .fd = -1},
        {.bound = one4, .port = 81, .fd = -1},
        {.bound = any6, .port = 82, .fd = -1},
        {.bound = only6, .port = 83, .fd = -1},
    };
    const struct listener *list[] = {&items[0], &items[1], &items[2], &items[3]};
    const struct rule rules[] = {
        {ipv4("0.0.0.0", 80), any4, true},    {ipv4("127.0.0.1", 80), any4, false},
        {ipv4("127.0.0.1", 80), NULL, true},  {ipv4("127.0.0.1", 81), one4, true},
        {ipv4("0.0.0.0", 81), one4, false},   {ipv4("127.0.0.2", 81), NULL, false},
        {ipv6("::", 80), any4, false},        {ipv6("::", 81), one4, false},
        {ipv6("::1", 81), NULL, false},       {ipv6("::", 82), any6, true},
        {ipv6("::1", 82), any6, false},       {ipv4("0.0.0.0", 82), any6, false},
        {ipv4("127.0.0.1", 82), any6, false}, {ipv4("0.0.0.0", 83), NULL, false},
        {ipv4("0.0.0.0", 84), NULL, false},
    };

    (void)state;
    assert_int_equal(listener_open_tcp("::", 0, false, 0, &items[2].fd), 0);
    assert_int_equal(listener_open_tcp("::", 0, true, 0, &items[3].fd), 0);
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        struct binding binding;
        const struct listener *found;

        assert_int_equal(binding_read(&rules[i].request, &binding), 0);
        found = binding_find(&binding, list, 4, rules[i].exactly);
        assert_ptr_equal(found ? found->bound : NULL, rules[i].gets);
    }
    (void)close(items[2].fd);
    (void)close(items[3].fd);
}

static void exact_one_wins_over_all_addresses(void **state)
{
    static char exact[] = "127.0.0.1:80";
    struct listener items[] = {{.bound = any4, .port = 80, .fd = -1},
                               {.bound = exact, .port = 80, .fd = -1}};
    const struct listener *list[] = {&items[0], &items[1]};
    struct capture_request request = ipv4("127.0.0.1", 80);
    struct binding binding;

    (void)state;
    assert_int_equal(binding_read(&request, &binding), 0);
    assert_ptr_equal(binding_find(&binding, list, 2, false), &items[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_become_canonical),
        scratch_test(paths_are_of_the_workers_folder_and_without_links),
        cmocka_unit_test(what_is_no_address_of_a_listener_is_left_alone),
        cmocka_unit_test(rules_find_the_listener_that_is_meant),
        cmocka_unit_test(exact_one_wins_over_all_addresses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
