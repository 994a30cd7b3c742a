#include "os/steering_program.h"

#include "base/error.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>

enum {
    LOOPBACK = 1, /* ifindex of lo in every network namespace (LOOPBACK_IFINDEX) */

    /* Offsets from the IP header (RFC 791, RFC 8200, RFC 9293). */
    IPV4_SOURCE = 12,
    IPV4_PORT = 20,
    IPV4_PLAIN = 0x45, /* version 4, a header of 5 words */
    IPV6_NEXT = 6,
    IPV6_SOURCE = 8,
    IPV6_PORT = 40,

    /* What the parts below are long. */
    IPV4_PROBE = 5,
    IPV6_PROBE = 11,
};

/* A probe as the headers show it, numbers in host order as BPF loads them. */
struct source {
    bool ipv6;
    uint32_t words[4]; /* IPv4: the first */
    uint16_t port;
};

static uint32_t load_word(const void *bytes)
{
    uint32_t word;

    memcpy(&word, bytes, sizeof word);
    return ntohl(word);
}

static int parse_source(const struct sockaddr_storage *from, struct source *ret_source)
{
    const struct sockaddr_in *ipv4 = (const struct sockaddr_in *)(const void *)from;
    const struct sockaddr_in6 *ipv6 = (const struct sockaddr_in6 *)(const void *)from;
    struct source source = {0};

    if (from->ss_family == AF_INET) {
        source.words[0] = ntohl(ipv4->sin_addr.s_addr);
        source.port = ntohs(ipv4->sin_port);
    } else if (from->ss_family == AF_INET6) {
        source.ipv6 = !IN6_IS_ADDR_V4MAPPED(&ipv6->sin6_addr);
        source.port = ntohs(ipv6->sin6_port);
        for (size_t i = 0; source.ipv6 && i < 4; i++)
            source.words[i] = load_word(&ipv6->sin6_addr.s6_addr[4 * i]);
        if (!source.ipv6)
            source.words[0] = load_word(&ipv6->sin6_addr.s6_addr[12]);
    }
    if (source.port == 0)
        return -EINVAL;
    *ret_source = source;
    return 0;
}

static void emit(struct steering_program *program, uint16_t code, uint32_t k)
{
    assert(program->length < STEERING_PROGRAM_MAX);
    program->code[program->length++] = (struct sock_filter)BPF_STMT(code, k);
}

/* if_true and if_false: instructions to skip. */
static void emit_compare(struct steering_program *program, uint16_t comparison, uint32_t k,
                         uint8_t if_true, uint8_t if_false)
{
    assert(program->length < STEERING_PROGRAM_MAX);
    program->code[program->length++] =
        (struct sock_filter)BPF_JUMP(BPF_JMP | comparison | BPF_K, k, if_true, if_false);
}

/* Comparisons can jump over 255 instructions at most, this over any number. */
static void emit_jump(struct steering_program *program, size_t target)
{
    emit(program, BPF_JMP | BPF_JA, (uint32_t)(target - program->length - 1));
}

static void emit_load_header(struct steering_program *program, uint16_t size, unsigned offset)
{
    emit(program, BPF_LD | size | BPF_ABS, (uint32_t)SKF_NET_OFF + offset);
}

static void emit_load_ancillary(struct steering_program *program, unsigned which)
{
    emit(program, BPF_LD | BPF_W | BPF_ABS, (uint32_t)SKF_AD_OFF + which);
}

static void emit_probe(struct steering_program *program, const struct source *source,
                       uint32_t index)
{
    unsigned words = source->ipv6 ? 4 : 1;
    size_t end = program->length + (source->ipv6 ? IPV6_PROBE : IPV4_PROBE);

    emit_load_header(program, BPF_H, source->ipv6 ? IPV6_PORT : IPV4_PORT);
    emit_compare(program, BPF_JEQ, source->port, 0, (uint8_t)(end - program->length - 1));
    for (unsigned i = 0; i < words; i++) {
        emit_load_header(program, BPF_W, (source->ipv6 ? IPV6_SOURCE : IPV4_SOURCE) + 4 * i);
        emit_compare(program, BPF_JEQ, source->words[i], 0,
                     (uint8_t)(end - program->length - 1));
    }
    emit(program, BPF_RET | BPF_K, index);
    assert(program->length == end);
}

static void emit_probes_of(struct steering_program *program, const struct steering_plan *plan,
                           bool ipv6)
{
    for (size_t i = 0; i < plan->probe_count; i++) {
        struct source source;

        if (parse_source(&plan->probes[i].from, &source) == 0 && source.ipv6 == ipv6)
            emit_probe(program, &source, plan->probes[i].index);
    }
}

/* Falls through, or jumps, to `world` with what is no probe. */
static void emit_probes(struct steering_program *program, const struct steering_plan *plan,
                        size_t ipv6_count)
{
    size_t head = 12;
    size_t at_ipv4 = program->length + head + IPV6_PROBE * ipv6_count + 1;
    size_t world = at_ipv4 + IPV4_PROBE * (plan->probe_count - ipv6_count);

    emit_load_ancillary(program, SKF_AD_IFINDEX);
    emit_compare(program, BPF_JEQ, LOOPBACK, 1, 0);
    emit_jump(program, world);
    emit_load_header(program, BPF_B, 0);
    emit_compare(program, BPF_JEQ, IPV4_PLAIN, 0, 1);
    emit_jump(program, at_ipv4);
    emit(program, BPF_ALU | BPF_AND | BPF_K, 0xf0);
    emit_compare(program, BPF_JEQ, 0x60, 1, 0);
    emit_jump(program, world);
    emit_load_header(program, BPF_B, IPV6_NEXT);
    emit_compare(program, BPF_JEQ, IPPROTO_TCP, 1, 0);
    emit_jump(program, world);
    emit_probes_of(program, plan, true);
    emit_jump(program, world);
    assert(program->length == at_ipv4);
    emit_probes_of(program, plan, false);
    assert(program->length == world);
}

/* The 32 random bits are cut into pieces as long as the weights say: piece by piece, "below its
 * end?" */
static void emit_shares(struct steering_program *program, const struct steering_plan *plan,
                        uint64_t total)
{
    uint64_t sum = 0;

    emit_load_ancillary(program, SKF_AD_RANDOM);
    for (size_t i = 0; i < plan->share_count; i++) {
        const struct steering_share *share = &plan->shares[i];

        if (share->weight == 0)
            continue;
        sum += share->weight;
        if (sum < total)
            emit_compare(program, BPF_JGE, (uint32_t)((sum << 32) / total), 1, 0);
        emit(program, BPF_RET | BPF_K, share->index);
    }
}

int steering_program_build(const struct steering_plan *plan,
                           struct steering_program *ret_program)
{
    struct source source;
    size_t ipv6_count = 0;
    uint64_t total = 0;

    if (plan->share_count > STEERING_SHARES_MAX || plan->probe_count > STEERING_PROBES_MAX)
        return -E2BIG;
    for (size_t i = 0; i < plan->share_count; i++)
        total += plan->shares[i].weight;
    if (total == 0)
        return -EINVAL;
    for (size_t i = 0; i < plan->probe_count; i++) {
        int rv = parse_source(&plan->probes[i].from, &source);

        if (rv < 0)
            return rv;
        ipv6_count += source.ipv6;
    }
    ret_program->length = 0;
    if (plan->probe_count > 0)
        emit_probes(ret_program, plan, ipv6_count);
    emit_shares(ret_program, plan, total);
    return 0;
}
