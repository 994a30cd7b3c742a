/* Four workers in four lanes and three clients at full speed, while a test does something to
 * the group. */
#pragma once

#include "os/lanes.h"

#include <stdatomic.h>
#include <sys/mman.h>

enum {
    LOAD_WORKERS = 4,
    LOAD_CLIENTS = 3,
};

/* Shared by all processes of a load. */
struct load {
    struct lanes lanes;
    struct child workers[LOAD_WORKERS];
    struct child clients[LOAD_CLIENTS];
    atomic_bool over;
    atomic_uint served[LOAD_WORKERS];
    atomic_uint answered;
    atomic_uint failed;
};

struct load_worker {
    struct load *load;
    unsigned lane;
};

/* Answers each connection with a byte. */
static inline int load_serve(const struct child_ends *ends, void *argument)
{
    const struct load_worker *worker = argument;

    (void)ends;
    for (;;) {
        int fd = accept4(worker->load->lanes.fds[worker->lane], NULL, NULL, SOCK_CLOEXEC);

        if (fd < 0 || write(fd, "x", 1) != 1)
            return 99;
        worker->load->served[worker->lane]++;
        (void)close(fd);
    }
}

static inline void load_ask_once(struct load *load)
{
    int fd = lanes_connect(&load->lanes);
    char byte;

    if (read(fd, &byte, 1) == 1)
        load->answered++;
    else
        load->failed++;
    (void)close(fd);
}

static inline int load_ask_until_over(const struct child_ends *ends, void *argument)
{
    struct load *load = argument;

    child_tell(ends);
    while (!load->over)
        load_ask_once(load);
    return 0;
}

static inline struct load *load_begin(const char *host)
{
    struct load *load =
        mmap(NULL, sizeof *load, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    assert_true(load != MAP_FAILED);
    load->lanes = lanes_open(host, LOAD_WORKERS);
    for (unsigned i = 0; i < LOAD_WORKERS; i++) {
        struct load_worker worker = {.load = load, .lane = i};

        assert_int_equal(listener_set_nonblocking(load->lanes.fds[i], false), 0);
        load->workers[i] = child_start(load_serve, &worker);
    }
    for (unsigned i = 0; i < LOAD_CLIENTS; i++) {
        load->clients[i] = child_start(load_ask_until_over, load);
        child_listen(&load->clients[i]);
    }
    return load;
}

/* Nothing failed, and what was answered is what was served. */
static inline void load_end(struct load *load)
{
    unsigned served = 0;

    load->over = true;
    for (unsigned i = 0; i < LOAD_CLIENTS; i++)
        assert_int_equal(child_end(&load->clients[i], false), 0);
    for (unsigned i = 0; i < LOAD_WORKERS; i++) {
        (void)child_end(&load->workers[i], true);
        served += load->served[i];
    }
    print_message("%u answered, %u failed; by lane %u %u %u %u\n", load->answered, load->failed,
                  load->served[0], load->served[1], load->served[2], load->served[3]);
    assert_int_equal(load->failed, 0);
    assert_true(load->answered > 0);
    assert_int_equal(load->answered, served);
    assert_true(lanes_all_empty(&load->lanes));
    lanes_close(&load->lanes);
    assert_int_equal(munmap(load, sizeof *load), 0);
}
