#include "os/capture_filter.h"

#include "base/error.h"

#include <linux/audit.h>
#include <linux/net.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/utsname.h>

/* The numbers of the calls, from the kernel's tables of system calls (arch/x86/entry/syscalls/,
 * include/uapi/asm-generic/unistd.h, arch/arm/tools/syscall.tbl). x32 has those of x86_64, with
 * a bit set beside them. A row for another machine than this one never matches. */
struct abi {
    uint32_t architecture;
    uint32_t mask; /* of the number */
    uint32_t bind;
    uint32_t listen;
    uint32_t socketcall; /* none: that of bind, which is looked for before */
};

enum {
    X32_BIT = 0x40000000,
    EVERY_BIT = -1,
    BLOCK_SIZE = 13, /* instructions for one row */
};

static const struct abi abis[] = {
    {AUDIT_ARCH_X86_64, ~(uint32_t)X32_BIT, 49, 50, 49},
    {AUDIT_ARCH_AARCH64, (uint32_t)EVERY_BIT, 200, 201, 200},
    {AUDIT_ARCH_RISCV64, (uint32_t)EVERY_BIT, 200, 201, 200},
    {AUDIT_ARCH_I386, (uint32_t)EVERY_BIT, 361, 363, 102},
    {AUDIT_ARCH_ARM, (uint32_t)EVERY_BIT, 282, 284, 282},
};

_Static_assert(CAPTURE_FILTER_SIZE == 2 + BLOCK_SIZE * sizeof abis / sizeof abis[0],
               "the first load, a block for each row, and the last word");
/* The rows are those of little-endian machines, and so is where an argument's lower half is. */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "rows for big-endian machines");

#define LOAD(offset)                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(offset))
#define IF_EQUAL(value, yes, no)    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), (yes), (no))
#define IF_AT_LEAST(value, yes, no) BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, (value), (yes), (no))
#define MASK(value)                 BPF_STMT(BPF_ALU | BPF_AND | BPF_K, (value))
#define ANSWER(value)               BPF_STMT(BPF_RET | BPF_K, (value))
#define DATA(member)                offsetof(struct seccomp_data, member)

/* One row, complete in itself: all jumps are within, but for that over it. The accumulator has
 * the architecture at its beginning, and where it is left by the jump. */
static void build_block(const struct abi *abi, uint32_t least_size,
                        struct sock_filter block[static BLOCK_SIZE])
{
    const struct sock_filter instructions[] = {
        /*  0 */ IF_EQUAL(abi->architecture, 0, BLOCK_SIZE - 1),
        /*  1 */ LOAD(DATA(nr)),
        /*  2 */ MASK(abi->mask),
        /*  3 */ IF_EQUAL(abi->bind, 9 - 4, 0),
        /*  4 */ IF_EQUAL(abi->listen, 12 - 5, 0),
        /*  5 */ IF_EQUAL(abi->socketcall, 0, 11 - 6),
        /*  6 */ LOAD(DATA(args[0])),
        /*  7 */ IF_EQUAL(SYS_BIND, 12 - 8, 0),
        /*  8 */ IF_EQUAL(SYS_LISTEN, 12 - 9, 11 - 9),
        /*  9 */ LOAD(DATA(args[2])),
        /* 10 */ IF_AT_LEAST(least_size, 12 - 11, 0),
        /* 11 */ ANSWER(SECCOMP_RET_ALLOW),
        /* 12 */ ANSWER(SECCOMP_RET_USER_NOTIF),
    };

    _Static_assert(sizeof instructions == BLOCK_SIZE * sizeof block[0], "a block's size");
    memcpy(block, instructions, sizeof instructions);
}

void capture_filter_build(enum capture_filter_scope scope,
                          struct sock_filter program[static CAPTURE_FILTER_SIZE])
{
    const uint32_t least_size =
        scope == CAPTURE_FILTER_INTERNET ? (uint32_t)sizeof(struct sockaddr_in) : 0;

    program[0] = (struct sock_filter)LOAD(DATA(arch));
    for (size_t i = 0; i < sizeof abis / sizeof abis[0]; i++)
        build_block(&abis[i], least_size, &program[1 + i * BLOCK_SIZE]);
    program[CAPTURE_FILTER_SIZE - 1] = (struct sock_filter)ANSWER(SECCOMP_RET_ALLOW);
}

bool capture_filter_identify(uint32_t architecture, int number,
                             enum capture_filter_call *ret_call)
{
    for (size_t i = 0; i < sizeof abis / sizeof abis[0]; i++) {
        const struct abi *abi = &abis[i];
        uint32_t masked = (uint32_t)number & abi->mask;

        if (abi->architecture != architecture)
            continue;
        if (masked == abi->bind)
            *ret_call = CAPTURE_FILTER_BIND;
        else if (masked == abi->listen)
            *ret_call = CAPTURE_FILTER_LISTEN;
        else if (masked == abi->socketcall)
            *ret_call = CAPTURE_FILTER_SOCKETCALL;
        else
            return false;
        return true;
    }
    return false;
}

/* Returns the descriptor or -errno. WAIT_KILLABLE_RECV is not asked for: a call whose
 * notification a primary took to its grave could not be renewed then (capture_renew()). */
static int install(const struct sock_fprog *program)
{
    const unsigned flags = SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_SPEC_ALLOW;
    long fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, program);

    return fd < 0 ? error_from_errno() : (int)fd;
}

/* NOTIF_ADDFD with SETFD came with 5.9 (seccomp_unotify(2)), and only a filter that is there
 * already could be asked for it. */
static bool kernel_can_place(void)
{
    struct utsname system;
    unsigned version[2] = {0};
    const char *at = system.release;

    if (uname(&system) < 0)
        return false;
    for (size_t i = 0; i < 2; i++) {
        for (; *at >= '0' && *at <= '9'; at++)
            version[i] = version[i] * 10 + (unsigned)(*at - '0');
        at += *at == '.';
    }
    return version[0] > 5 || (version[0] == 5 && version[1] >= 9);
}

int capture_filter_install(enum capture_filter_scope scope, int *ret_fd)
{
    struct sock_filter instructions[CAPTURE_FILTER_SIZE];
    const struct sock_fprog program = {.len = CAPTURE_FILTER_SIZE, .filter = instructions};
    int fd;

    if (!kernel_can_place())
        return -ENOSYS;
    capture_filter_build(scope, instructions);
    fd = install(&program);
    if (fd >= 0) {
        *ret_fd = fd;
        return 0;
    }
    if (fd != -EACCES)
        return fd;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return error_from_errno();
    fd = install(&program);
    if (fd < 0)
        return fd;
    *ret_fd = fd;
    return 1;
}

/* One message: an error, or 0 and a descriptor beside it. Returns 0 or -errno. */
static int tell(int channel, int error, int fd)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {.bytes = {0}};
    struct iovec part = {.iov_base = &error, .iov_len = sizeof error};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    ssize_t sent;

    if (error == 0) {
        control.header = (struct cmsghdr){
            .cmsg_len = CMSG_LEN(sizeof fd),
            .cmsg_level = SOL_SOCKET,
            .cmsg_type = SCM_RIGHTS,
        };
        memcpy(CMSG_DATA(&control.header), &fd, sizeof fd);
        message.msg_control = &control;
        message.msg_controllen = sizeof control;
    }
    do {
        sent = sendmsg(channel, &message, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    return sent < 0 ? error_from_errno() : 0;
}

int capture_filter_hand_over(int channel, int fd)
{
    return tell(channel, 0, fd);
}

int capture_filter_decline(int channel, int error)
{
    return tell(channel, error, -1);
}

const char *capture_filter_explain(int error)
{
    switch (error) {
    case -EBUSY:
        return "this process is under a seccomp filter with a listener already (a container "
               "manager's, or another capture), and the kernel allows one; use delivery "
               "\"inherit\"";
    case -EPERM:
    case -EACCES:
        return "a sandbox around this process forbids seccomp(2); allow it there "
               "(SystemCallFilter=seccomp in the unit, or the container's profile), or use "
               "delivery \"inherit\"";
    case -EINVAL:
    case -ENOSYS:
    case -EOPNOTSUPP:
        return "this kernel has no seccomp notifications that can place a descriptor (Linux "
               "5.9 "
               "has), or a sandbox hides them; use delivery \"inherit\"";
    default: /* any other errno */
        return NULL;
    }
}
