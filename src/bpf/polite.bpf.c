/* The kernel's half of a polite drain: two programs that meet in one map (bpf/polite_state.h).
 *
 * polite_received() is the socket filter of a covered connection: it sees each segment that
 * comes in. Where one begins with a request line, is the next one in order, and acknowledges
 * everything that the worker has written (so that the client, when it sent it, had all of it),
 * then the answer has to begin exactly where the worker's output stands: that place is noted.
 *
 * polite_message() is the message program of the sockhash in which the connection is: it sees
 * what the worker sends before TCP does. Only what begins at a noted place, or is the first
 * that this connection ever sent, is looked at; and only where it is a whole and well-formed
 * head it is changed, once. Everything else passes byte for byte: the middle of a body is at no
 * noted place, whatever it looks like.
 *
 * Nothing of the kernel's is included: the few fields that are read are declared here and found
 * by BTF (CO-RE), so that the object fits any kernel that has them.
 */
#include "bpf/polite_head.h"
#include "bpf/polite_state.h"

#include <linux/bpf.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define KERNEL_TYPE __attribute__((preserve_access_index))

enum {
    CONNECTIONS_MAX = 65536, /* os/polite.c sets its own */
    PIECES_MAX = 64,         /* of one head; what comes in more is let pass */
    HEADS_MAX = 4,           /* in one message: 1xx, and the final one */
    PASS_BYTES = 1 << 30,    /* how far the message program is not asked again */
    OFFSET_MASK =
        0x7fff, /* for the verifier: offsets in a message stay below twice the maximum */
};

struct atomic64 {
    __s64 counter;
} KERNEL_TYPE;

struct sock_common {
    struct {
        __s64 counter;
    } skc_cookie;
} KERNEL_TYPE;

struct sock {
    struct sock_common __sk_common;
    int sk_wmem_queued;
    int sk_sndbuf;
} KERNEL_TYPE;

struct inet_sock {
    struct sock sk;
} KERNEL_TYPE;

struct inet_connection_sock {
    struct inet_sock icsk_inet;
} KERNEL_TYPE;

struct tcp_sock {
    struct inet_connection_sock inet_conn;
    __u32 rcv_nxt;
    __u32 write_seq;
    __u32 snd_una;
    __u64 bytes_sent;
} KERNEL_TYPE;

struct {
    __uint(type, BPF_MAP_TYPE_SOCKHASH);
    __uint(max_entries, CONNECTIONS_MAX);
    __type(key, __u64);
    __type(value, __u64);
} polite_sockets SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __uint(max_entries, CONNECTIONS_MAX);
    __type(key, __u64);
    __type(value, struct polite_state);
} polite_states SEC(".maps");

/* Connections whose clients are not listened to any more, since they are being ended
 * (polite_end_idle()), with the number of segments that were dropped. */
struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __uint(max_entries, CONNECTIONS_MAX);
    __type(key, __u64);
    __type(value, __u32);
} polite_shut SEC(".maps");

/* The part of a message that is being read as a head. */
struct walk {
    struct sk_msg_md *msg;
    __u32 base;               /* where the head begins in the message */
    struct polite_head *head; /* of the connection's state: the socket is locked */
};

static __always_inline __u64 cookie_of(struct tcp_sock *tcp)
{
    return (__u64)tcp->inet_conn.icsk_inet.sk.__sk_common.skc_cookie.counter;
}

static __always_inline struct polite_state *state_of(struct tcp_sock *tcp)
{
    __u64 cookie = cookie_of(tcp);

    return bpf_map_lookup_elem(&polite_states, &cookie);
}

static __always_inline void set_place(struct polite_state *state, __u32 seq, __u64 kind)
{
    *(volatile __u64 *)&state->place =
        POLITE_PLACE_KNOWN | kind << POLITE_PLACE_KIND_SHIFT | seq;
}

/* One turn of bpf_loop(); 1 ends it. */
static long read_byte(__u32 index, struct walk *walk)
{
    __u8 *data = (__u8 *)(long)walk->msg->data;
    __u8 *end = (__u8 *)(long)walk->msg->data_end;
    __u32 offset = (walk->base + index) & OFFSET_MASK;

    if (data + offset + 1 > end)
        return 1;
    return polite_head_step(walk->head, data[offset], index) ? 0 : 1;
}

/* Reads as far as the message can be reached without a copy; then, where that is not enough,
 * copies its beginning together. */
static __always_inline void read_head(struct walk *walk)
{
    __u32 reach = walk->base + POLITE_HEAD_MAX;

    __builtin_memset(walk->head, 0, sizeof *walk->head);
    bpf_loop(POLITE_HEAD_MAX, read_byte, walk, 0);
    if (walk->head->state == POLITE_HEAD_WHOLE || walk->head->state == POLITE_HEAD_NONE)
        return;
    if (reach > walk->msg->size)
        reach = walk->msg->size;
    if (bpf_msg_pull_data(walk->msg, 0, reach, 0) < 0) {
        walk->head->state = POLITE_HEAD_NONE;
        return;
    }
    __builtin_memset(walk->head, 0, sizeof *walk->head);
    bpf_loop(POLITE_HEAD_MAX, read_byte, walk, 0);
}

static __always_inline bool write_at(struct sk_msg_md *msg, __u32 offset, const char *text,
                                     __u32 size)
{
    __u8 *at = (__u8 *)(long)msg->data + (offset & OFFSET_MASK);
    __u8 *end = (__u8 *)(long)msg->data_end;

    barrier_var(
        at); /* else it is calculated anew behind the check, which the verifier refuses */
    if (at + size > end)
        return false;
    for (__u32 i = 0; i < size; i++)
        at[i] = (__u8)text[i];
    return true;
}

/* The spaces stand before the word: there are clients that don't trim what follows. */
static __always_inline bool replace_word(struct walk *walk)
{
    return write_at(walk->msg, walk->base + walk->head->keep_at, "     close",
                    POLITE_WORD_SIZE);
}

static __always_inline bool insert_field(struct walk *walk)
{
    __u32 at = walk->base + walk->head->status_end;

    if (bpf_msg_push_data(walk->msg, at, POLITE_FIELD_SIZE, 0) < 0)
        return false;
    /* In one piece with what is around it, so that it goes out as one packet; at least itself.
     */
    if (walk->msg->size <= POLITE_HEAD_MAX &&
        bpf_msg_pull_data(walk->msg, 0, walk->msg->size, 0) == 0 &&
        write_at(walk->msg, at, POLITE_FIELD, POLITE_FIELD_SIZE))
        return true;
    if (bpf_msg_pull_data(walk->msg, at, at + POLITE_FIELD_SIZE, 0) == 0 &&
        write_at(walk->msg, 0, POLITE_FIELD, POLITE_FIELD_SIZE))
        return true;
    (void)bpf_msg_pop_data(walk->msg, at, POLITE_FIELD_SIZE, 0);
    return false;
}

/* Is TCP sure to take the whole head at once? A nonblocking program is told how much went, and
 * sends the rest again as it was: a head must not be cut where it was changed. */
static __always_inline bool has_room(struct tcp_sock *tcp, const struct walk *walk)
{
    int queued = tcp->inet_conn.icsk_inet.sk.sk_wmem_queued;
    int limit = tcp->inet_conn.icsk_inet.sk.sk_sndbuf;

    return 2 * (queued + (int)(walk->base + walk->head->end) + POLITE_FIELD_SIZE) < limit;
}

static __always_inline void end_with_whole(struct polite_state *state, struct tcp_sock *tcp,
                                           struct walk *walk, enum polite_advice advice)
{
    bool done = false;

    if (advice == POLITE_ADVICE_UPGRADED) {
        state->phase = POLITE_UPGRADED;
    } else if (advice == POLITE_ADVICE_CLOSING) {
        state->phase = POLITE_CLOSING;
    } else {
        if (advice == POLITE_ADVICE_REPLACE && has_room(tcp, walk))
            done = replace_word(walk);
        else if (advice == POLITE_ADVICE_INSERT && has_room(tcp, walk))
            done = insert_field(walk);
        state->phase = done ? POLITE_TOLD : POLITE_LEFT;
    }
}

/* What began at the noted place is no head, or not yet. */
static __always_inline void end_without(struct polite_state *state, struct walk *walk,
                                        bool is_tls)
{
    if (walk->head->state != POLITE_HEAD_NONE && walk->msg->size < POLITE_HEAD_MAX &&
        state->pieces < PIECES_MAX) {
        state->pieces++;
        bpf_msg_cork_bytes(walk->msg, walk->msg->size + 1);
        return;
    }
    if (walk->head->state != POLITE_HEAD_NONE)
        state->phase = POLITE_LEFT;
    else
        state->phase = is_tls ? POLITE_TLS : POLITE_OTHER;
}

/* "HTTP/": perhaps the answer to a request of which only the rest was seen. */
static __always_inline bool begins_as_http(struct sk_msg_md *msg)
{
    __u8 *data = (__u8 *)(long)msg->data;
    __u8 *end = (__u8 *)(long)msg->data_end;

    return data + 5 <= end && data[0] == 'H' && data[1] == 'T' && data[2] == 'T' &&
           data[3] == 'P' && data[4] == '/';
}

static __always_inline bool begins_as_tls(struct sk_msg_md *msg)
{
    __u8 *data = (__u8 *)(long)msg->data;
    __u8 *end = (__u8 *)(long)msg->data_end;

    return data + 3 <= end && data[0] >= 20 && data[0] <= 23 && data[1] == 3 && data[2] <= 4;
}

static __always_inline void judge(struct polite_state *state, struct tcp_sock *tcp,
                                  struct sk_msg_md *msg, __u32 seq)
{
    struct walk walk = {.msg = msg, .head = &state->head};
    bool is_tls = begins_as_tls(msg);

    for (int i = 0; i < HEADS_MAX; i++) {
        enum polite_advice advice;

        read_head(&walk);
        if (walk.head->state != POLITE_HEAD_WHOLE) {
            end_without(state, &walk, is_tls);
            return;
        }
        advice = polite_head_advice(walk.head);
        if (advice != POLITE_ADVICE_INTERIM) {
            state->told_at = seq;
            end_with_whole(state, tcp, &walk, advice);
            return;
        }
        walk.base = (walk.base + walk.head->end) & OFFSET_MASK;
        if (walk.base >= msg->size) {
            set_place(state, seq + walk.base, POLITE_KIND_REQUEST);
            return;
        }
    }
    state->phase = POLITE_LEFT;
}

/* What is sent where no answer to a request has to begin. */
static __always_inline void note_other(struct polite_state *state, struct sk_msg_md *msg,
                                       __u32 seq)
{
    __u64 other = POLITE_PLACE_KNOWN | (__u64)POLITE_KIND_OTHER << POLITE_PLACE_KIND_SHIFT;
    __u64 tls = POLITE_PLACE_KNOWN | (__u64)POLITE_KIND_TLS << POLITE_PLACE_KIND_SHIFT;

    if (state->place == (tls | seq) && begins_as_tls(msg))
        state->phase = POLITE_TLS;
    else if (state->place == (other | seq) && !begins_as_http(msg))
        state->phase = POLITE_OTHER;
    else if (state->phase == POLITE_SILENT)
        state->phase = POLITE_UNSURE;
}

/* Has an answer to begin at `seq`? */
static __always_inline bool begins_answer(const struct polite_state *state,
                                          struct tcp_sock *tcp, __u32 seq)
{
    __u64 place = *(const volatile __u64 *)&state->place;
    __u64 request = POLITE_PLACE_KNOWN | (__u64)POLITE_KIND_REQUEST << POLITE_PLACE_KIND_SHIFT;
    __u64 sent = tcp->bytes_sent;

    if (place == (request | seq))
        return true;
    if (tcp->snd_una != seq)
        return false;
    return sent == 0 || (state->asked_after > 0 && state->asked_after == sent);
}

static __always_inline bool is_settled(const struct polite_state *state)
{
    return state->phase == POLITE_TOLD || state->phase == POLITE_CLOSING ||
           state->phase == POLITE_UPGRADED;
}

SEC("sk_msg")
int polite_message(struct sk_msg_md *msg)
{
    struct bpf_sock *sk = msg->sk;
    struct tcp_sock *tcp = sk ? bpf_skc_to_tcp_sock(sk) : NULL;
    struct polite_state *state = tcp ? state_of(tcp) : NULL;
    __u32 seq;

    if (!state)
        return SK_PASS;
    /* Once a head was kept back in pieces, the kernel uses that message again, with its wish.
     */
    bpf_msg_cork_bytes(msg, 0);
    seq = tcp->write_seq;
    /* Settled is what was sent. Where the output still stands where the head was changed, TCP
     * has refused it (EAGAIN), and the program sends it again. */
    if (is_settled(state) && seq != state->told_at) {
        bpf_msg_apply_bytes(msg, PASS_BYTES);
        return SK_PASS;
    }
    if (begins_answer(state, tcp, seq))
        judge(state, tcp, msg, seq);
    else
        note_other(state, msg, seq);
    return SK_PASS;
}

struct segment {
    __u32 seq;
    __u32 ack;
    __u32 size; /* of its data */
    __u8 first[POLITE_FIRST_SIZE];
};

static __always_inline bool read_segment(struct __sk_buff *skb, struct segment *segment)
{
    __be32 numbers[2];
    __u8 offset;
    __u32 header;
    __u32 size;

    /* tcp_v4_rcv() and tcp_v6_rcv(): the data begins with TCP's header. */
    if (bpf_skb_load_bytes(skb, 4, numbers, sizeof numbers) < 0 ||
        bpf_skb_load_bytes(skb, 12, &offset, sizeof offset) < 0)
        return false;
    header = (__u32)(offset >> 4) * 4;
    if (skb->len <= header)
        return false;
    size = skb->len - header;
    segment->seq = bpf_ntohl(numbers[0]);
    segment->ack = bpf_ntohl(numbers[1]);
    segment->size = size;
    __builtin_memset(segment->first, 0, sizeof segment->first);
    if (size >= POLITE_FIRST_SIZE)
        return bpf_skb_load_bytes(skb, header, segment->first, POLITE_FIRST_SIZE) == 0;
    return true;
}

/* A filter's answer is the number of bytes to keep. */
SEC("socket")
int polite_received(struct __sk_buff *skb)
{
    struct bpf_sock *sk = skb->sk;
    struct tcp_sock *tcp = sk ? bpf_skc_to_tcp_sock(sk) : NULL;
    struct polite_state *state = tcp ? state_of(tcp) : NULL;
    __u64 request = POLITE_PLACE_KNOWN | (__u64)POLITE_KIND_REQUEST << POLITE_PLACE_KIND_SHIFT;
    struct segment segment;
    __u32 *dropped;
    __u64 cookie;

    if (!state || !read_segment(skb, &segment))
        return -1;
    cookie = cookie_of(tcp);
    dropped = bpf_map_lookup_elem(&polite_shut, &cookie);
    if (dropped) {
        (*dropped)++;
        return 0;
    }
    if (segment.seq != tcp->rcv_nxt || segment.ack != tcp->write_seq)
        return -1;
    /* What follows a request before its answer is the rest of it. What came before one may be
     * the rest of an earlier request, which the program has answered without waiting for it. */
    if (state->place == (request | segment.ack))
        return -1;
    state->pieces = 0;
    state->sent_before = tcp->bytes_sent;
    set_place(state, segment.ack, polite_kind_of(segment.first));
    return -1;
}

char polite_license[] SEC("license") = "GPL";
