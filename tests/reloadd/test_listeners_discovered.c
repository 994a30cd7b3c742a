#include "reloadd/listeners.h"

#include "os/scratch.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

static bool unwanted(void *user, const struct listener *listener)
{
    (void)user;
    (void)listener;
    return false;
}

static void discovered_it_is_open_named_and_closed_again(void **state)
{
    struct listeners listeners = {0};
    const struct listener *first;
    const struct listener *second;
    const struct listener *third;
    char path[PATH_MAX];
    mode_t mode = 0640;
    struct stat status;

    assert_int_equal(
        listeners_discover_port_consume(&listeners, "127.0.0.1:0", false, 1, -1, &first), 0);
    assert_string_equal(first->address, "127.0.0.1:0#1");
    assert_string_equal(first->name, "captured0");
    assert_true(first->discovered && first->port > 0);
    assert_int_equal(
        listeners_discover(&listeners, scratch_path(state, "sock", path), false, mode, &second),
        0);
    assert_string_equal(second->name, "captured1");
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, mode);
    assert_int_equal(
        listeners_discover(&listeners, "@reloadd-test-discovered", false, 0, &third), 0);
    assert_string_equal(third->bound, "@reloadd-test-discovered");
    listeners_close_unwanted(&listeners, unwanted, NULL);
    assert_int_equal(listeners.n, 0);
    assert_int_equal(stat(path, &status), -1);
    listeners_release(&listeners);
}

static void discovered_address_that_is_taken_is_the_programs_error(void **state)
{
    struct listeners listeners = {0};
    struct listener_description description;
    const struct listener *listener;
    _cleanup_fd_ int other = -1;

    (void)state;
    assert_int_equal(listener_open_tcp("127.0.0.1", 0, false, 0, &other), 0);
    assert_int_equal(listener_describe(other, &description), 0);
    assert_int_equal(listeners_discover(&listeners, description.address, false, 0, &listener),
                     -EADDRINUSE);
    assert_int_equal(listeners_discover(&listeners, "[fe80::1%lo]:80", false, 0, &listener),
                     -EADDRNOTAVAIL);
    assert_int_equal(listeners.n, 0);
    listeners_release(&listeners);
}

static void program_s_own_socket_of_port_0_is_the_listener(void **state)
{
    struct listeners listeners = {0};
    const struct sockaddr_in any = {.sin_family = AF_INET};
    struct listener_identity identity;
    const struct listener *listener;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)state;
    assert_int_equal(bind(fd, (const struct sockaddr *)&any, sizeof(any)), 0);
    assert_int_equal(listener_identify(fd, &identity), 0);
    assert_int_equal(
        listeners_discover_port_consume(&listeners, "0.0.0.0:0", false, 3, fd, &listener), 0);
    assert_true(listener_identity_equals(&listener->identity, &identity));
    assert_string_equal(listener->address, "0.0.0.0:0#3");
    assert_int_equal(listener->ordinal, 3);
    listeners_release(&listeners);
}

static void store_has_the_ordinal_in_its_name(void **state)
{
    struct listener listener = {.identity = {.inode = 12}};
    char name[FD_NAME_SIZE];

    (void)state;
    listeners_store_name(&listener, name);
    assert_string_equal(name, "opened-12");
    listener.discovered = true;
    listeners_store_name(&listener, name);
    assert_string_equal(name, "discovered-12-0");
    listener.ordinal = 2;
    listeners_store_name(&listener, name);
    assert_string_equal(name, "discovered-12-2");
}

/* What an earlier primary has discovered: an address that a configuration has now, and others.
 */
static void rediscovered_they_are_under_their_keys_and_bound_by_who_is_told(void **state)
{
    const uint64_t revisions[LISTENER_REVISIONS] = {4, 5};
    struct listener fixed = {.discovered = true};
    struct listener chosen = {.discovered = true, .ordinal = 2};
    struct listeners listeners = {0};
    struct listener_description description;
    char names[2][FD_NAME_SIZE];
    char key[LISTENER_ADDRESS_SIZE];
    char error[LISTENERS_ERROR_SIZE];
    struct stored_fd *items = calloc(2, sizeof(*items));
    struct fd_store store = {.items = items, .n = 2};

    (void)state;
    assert_non_null(items);
    for (int i = 0; i < 2; i++)
        assert_int_equal(listener_open_tcp("127.0.0.1", 0, false, 0, &items[i].fd), 0);
    assert_int_equal(listener_identify(items[0].fd, &fixed.identity), 0);
    assert_int_equal(listener_identify(items[1].fd, &chosen.identity), 0);
    listeners_store_name(&fixed, names[0]);
    listeners_store_name(&chosen, names[1]);
    assert_int_equal(listener_describe(items[0].fd, &description), 0);
    (void)snprintf(key, sizeof(key), "%s", description.address);
    items[0].name = strdup(names[0]);
    items[1].name = strdup(names[1]);
    assert_int_equal(listeners_inherit(&listeners, &store, error), 0);
    assert_false(listeners_are_of_units(&listeners));
    assert_int_equal(listeners_rediscover(&listeners, revisions), 0);
    assert_int_equal(listeners.n, 2);
    assert_non_null(listeners_find(&listeners, key));
    assert_non_null(listeners_find(&listeners, "127.0.0.1:0#2"));
    assert_true(listeners_was_bound_by(listeners_find(&listeners, key), 5));
    assert_false(listeners_was_bound_by(listeners_find(&listeners, key), 6));
    assert_string_equal(listeners_find(&listeners, key)->stored, names[0]);
    listeners_release(&listeners);
    fd_store_release(&store);
}

static void bound_by_another_revision_pushes_the_oldest_out(void **state)
{
    struct listeners listeners = {0};
    const struct listener *listener;

    (void)state;
    assert_int_equal(
        listeners_discover_port_consume(&listeners, "127.0.0.1:0", false, 1, -1, &listener), 0);
    for (uint64_t revision = 1; revision <= LISTENER_REVISIONS + 1; revision++)
        listeners_note_bound(&listeners, listener, revision);
    listeners_note_bound(&listeners, listener, 3);
    assert_int_equal(listener->revisions[0], 3);
    assert_false(listeners_was_bound_by(listener, 1));
    for (uint64_t revision = 2; revision <= LISTENER_REVISIONS + 1; revision++)
        assert_true(listeners_was_bound_by(listener, revision));
    listeners_release(&listeners);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scratch_test(discovered_it_is_open_named_and_closed_again),
        cmocka_unit_test(discovered_address_that_is_taken_is_the_programs_error),
        cmocka_unit_test(program_s_own_socket_of_port_0_is_the_listener),
        cmocka_unit_test(store_has_the_ordinal_in_its_name),
        cmocka_unit_test(rediscovered_they_are_under_their_keys_and_bound_by_who_is_told),
        cmocka_unit_test(bound_by_another_revision_pushes_the_oldest_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
