/* os/polite.h: from the embedded object to programs and maps in the kernel. */
#include "os/polite.h"

#include "base/error.h"

#include "bpf/polite.skel.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sys/syscall.h>

static void cleanup_skeleton(struct polite_bpf **skeleton)
{
    polite_bpf__destroy(*skeleton);
}

static int keep_quiet(enum libbpf_print_level level, const char *format, va_list arguments)
{
    (void)level;
    (void)format;
    (void)arguments;
    return 0;
}

/* The skeleton closes its own. */
static int copy_fd(int fd, int *ret_fd)
{
    *ret_fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    return *ret_fd < 0 ? error_from_errno() : 0;
}

static int copy_fds(const struct polite_bpf *skeleton, struct polite *polite)
{
    int rv = copy_fd(bpf_map__fd(skeleton->maps.polite_sockets), &polite->sockets);

    if (rv == 0)
        rv = copy_fd(bpf_map__fd(skeleton->maps.polite_states), &polite->states);
    if (rv == 0)
        rv = copy_fd(bpf_map__fd(skeleton->maps.polite_shut), &polite->shut);
    if (rv == 0)
        rv = copy_fd(bpf_program__fd(skeleton->progs.polite_received), &polite->filter);
    return rv;
}

static int set_sizes(const struct polite_bpf *skeleton, uint32_t connections)
{
    int rv = bpf_map__set_max_entries(skeleton->maps.polite_sockets, connections);

    if (rv == 0)
        rv = bpf_map__set_max_entries(skeleton->maps.polite_states, connections);
    return rv == 0 ? bpf_map__set_max_entries(skeleton->maps.polite_shut, connections) : rv;
}

int polite_open(uint32_t connections, struct polite *ret_polite)
{
    _cleanup_(cleanup_skeleton) struct polite_bpf *skeleton = NULL;
    struct polite polite = POLITE_NONE;
    int rv;

    (void)libbpf_set_print(keep_quiet);
    skeleton = polite_bpf__open();
    if (skeleton == NULL)
        return error_from_errno();
    rv = set_sizes(skeleton, connections);
    if (rv == 0)
        rv = polite_bpf__load(skeleton);
    /* The map holds the program from here on. */
    if (rv == 0)
        rv = bpf_prog_attach(bpf_program__fd(skeleton->progs.polite_message),
                             bpf_map__fd(skeleton->maps.polite_sockets), BPF_SK_MSG_VERDICT, 0);
    if (rv == 0)
        rv = copy_fds(skeleton, &polite);
    if (rv < 0)
        polite_release(&polite);
    else
        *ret_polite = polite;
    return rv;
}

static bool has_capability(unsigned number)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {{0}, {0}};

    return syscall(SYS_capget, &header, data) == 0 &&
           (data[number / 32].effective >> number % 32 & 1) != 0;
}

int polite_check(const char **ret_why)
{
    if (!has_capability(CAP_NET_ADMIN) || !has_capability(CAP_BPF) ||
        !has_capability(CAP_PERFMON)) {
        *ret_why = "it needs CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON";
        return 1;
    }
    if (access("/sys/kernel/btf/vmlinux", R_OK) < 0) {
        *ret_why = "this kernel has no BTF (CONFIG_DEBUG_INFO_BTF)";
        return 1;
    }
    return 0;
}

const char *polite_reason(int error)
{
    if (error == -EPERM || error == -EACCES)
        return "bpf(2) is not allowed here";
    if (error == -ENOMEM)
        return "there is no memory for it";
    return "this kernel can't load its programs (Linux 5.17 is needed)";
}

void polite_release(struct polite *polite)
{
    if (polite == NULL)
        return;
    polite->sockets = close_fd(polite->sockets);
    polite->states = close_fd(polite->states);
    polite->shut = close_fd(polite->shut);
    polite->filter = close_fd(polite->filter);
}
