/* Reads the head of an HTTP/1.x response, byte by byte, and says where it would have to be
 * changed so that the client closes the connection after this response.
 *
 * The same code is compiled for the kernel (bpf/polite.bpf.c) and for the host (os/ tests, the
 * fuzzer): no memory of its own, no loop without a bound, no pointer but to the caller's
 * struct. It is strict. What is not exactly a status line, fields and an empty line, each ended
 * by CR LF (RFC 9112, 2.1 and 5), is no head, and nobody changes what is no head: a folded
 * line, a bare LF, a control character, a field without a colon.
 *
 * Life cycle: a zeroed struct, polite_head_step() for each byte until it is whole or no head,
 * then polite_head_advice().
 */
#pragma once

#include <linux/types.h>
#include <stdbool.h>

#define POLITE_INLINE static inline __attribute__((always_inline, unused))

/* What is put in where a head says nothing about the connection. */
#define POLITE_FIELD "Connection: close\r\n"

enum {
    POLITE_FIELD_SIZE = sizeof POLITE_FIELD - 1,
    POLITE_WORD_SIZE = sizeof "keep-alive" - 1,
    POLITE_HEAD_MAX = 16384, /* a longer head is left alone */
};

enum polite_head_state {
    POLITE_HEAD_VERSION, /* "HTTP/1." */
    POLITE_HEAD_MINOR,
    POLITE_HEAD_SPACE,
    POLITE_HEAD_CODE,
    POLITE_HEAD_REASON,
    POLITE_HEAD_STATUS_LF,
    POLITE_HEAD_LINE,
    POLITE_HEAD_NAME,
    POLITE_HEAD_VALUE,
    POLITE_HEAD_VALUE_LF,
    POLITE_HEAD_END_LF,
    POLITE_HEAD_WHOLE,
    POLITE_HEAD_NONE, /* this is no head */
};

/* What the Connection fields say; bits. */
enum {
    POLITE_SAYS_KEEP_ALIVE = 1,
    POLITE_SAYS_CLOSE = 2,
    POLITE_SAYS_UPGRADE = 4,
};

struct polite_head {
    __u32 state;      /* enum polite_head_state */
    __u32 index;      /* bytes of what is being read now: version, code, name or word */
    __u32 minor;      /* 0 or 1 */
    __u32 status;     /* 100 … 599 */
    __u32 status_end; /* offset behind the status line, 0: not there yet */
    __u32 end;        /* offset behind the head; valid when whole */
    __u32 name_fits;  /* the field's name is "connection", as far as read */
    __u32 words;      /* POLITE_SAYS_ bits that the word being read may still become */
    __u32 word_at;    /* where that word begins */
    __u32 word_over;  /* there was a space behind it */
    __u32 says;       /* POLITE_SAYS_ bits, of all Connection fields */
    __u32 keep_at;    /* where the first "keep-alive" begins; valid if it says so */
};

/* What to do with a whole head. */
enum polite_advice {
    POLITE_ADVICE_INTERIM,  /* 1xx: another head follows */
    POLITE_ADVICE_UPGRADED, /* 101: what follows is not HTTP/1.x any more */
    POLITE_ADVICE_CLOSING,  /* it says by itself that the connection ends */
    POLITE_ADVICE_LEAVE,    /* it offers an upgrade: not this one */
    POLITE_ADVICE_REPLACE,  /* "keep-alive" at keep_at becomes "     close" */
    POLITE_ADVICE_INSERT,   /* POLITE_FIELD goes in at status_end */
};

POLITE_INLINE __u32 polite_lower(__u32 byte)
{
    return byte >= 'A' && byte <= 'Z' ? byte + ('a' - 'A') : byte;
}

/* A word of at most 16 bytes as two numbers: BPF has no string that can be indexed without a
 * map of its own. */
struct polite_word {
    __u64 low;
    __u64 high;
};

#define POLITE_BYTES(a, b, c, d, e, f, g, h)                                                   \
    ((__u64)(a) | (__u64)(b) << 8 | (__u64)(c) << 16 | (__u64)(d) << 24 | (__u64)(e) << 32 |   \
     (__u64)(f) << 40 | (__u64)(g) << 48 | (__u64)(h) << 56)

#define POLITE_VERSION                                                                         \
    ((struct polite_word){POLITE_BYTES('H', 'T', 'T', 'P', '/', '1', '.', 0), 0})
#define POLITE_CONNECTION                                                                      \
    ((struct polite_word){POLITE_BYTES('c', 'o', 'n', 'n', 'e', 'c', 't', 'i'),                \
                          POLITE_BYTES('o', 'n', 0, 0, 0, 0, 0, 0)})
#define POLITE_KEEP_ALIVE                                                                      \
    ((struct polite_word){POLITE_BYTES('k', 'e', 'e', 'p', '-', 'a', 'l', 'i'),                \
                          POLITE_BYTES('v', 'e', 0, 0, 0, 0, 0, 0)})
#define POLITE_CLOSE ((struct polite_word){POLITE_BYTES('c', 'l', 'o', 's', 'e', 0, 0, 0), 0})
#define POLITE_UPGRADE                                                                         \
    ((struct polite_word){POLITE_BYTES('u', 'p', 'g', 'r', 'a', 'd', 'e', 0), 0})

/* Its byte at an index, 0 behind its end. */
POLITE_INLINE __u32 polite_word_byte(struct polite_word word, __u32 index)
{
    if (index < 8)
        return word.low >> (8 * index) & 0xff;
    return index < 16 ? word.high >> (8 * (index - 8)) & 0xff : 0;
}

/* tchar of RFC 9110, 5.6.2. */
POLITE_INLINE bool polite_is_token(__u32 byte)
{
    if ((byte >= '0' && byte <= '9') ||
        (polite_lower(byte) >= 'a' && polite_lower(byte) <= 'z'))
        return true;
    return byte == '-' || byte == '_' || byte == '.' || byte == '!' || byte == '#' ||
           byte == '$' || byte == '%' || byte == '&' || byte == '\'' || byte == '*' ||
           byte == '+' || byte == '^' || byte == '`' || byte == '|' || byte == '~';
}

/* What may stand in a value or a reason: visible, obs-text, space and tab. */
POLITE_INLINE bool polite_is_text(__u32 byte)
{
    return byte == '\t' || (byte >= ' ' && byte != 0x7f);
}

POLITE_INLINE void polite_head_word_begin(struct polite_head *head)
{
    head->index = 0;
    head->word_over = 0;
    head->words = POLITE_SAYS_KEEP_ALIVE | POLITE_SAYS_CLOSE | POLITE_SAYS_UPGRADE;
}

POLITE_INLINE void polite_head_word_end(struct polite_head *head)
{
    if ((head->words & POLITE_SAYS_KEEP_ALIVE) && head->index == POLITE_WORD_SIZE) {
        if (!(head->says & POLITE_SAYS_KEEP_ALIVE))
            head->keep_at = head->word_at;
        head->says |= POLITE_SAYS_KEEP_ALIVE;
    }
    if ((head->words & POLITE_SAYS_CLOSE) && head->index == sizeof "close" - 1)
        head->says |= POLITE_SAYS_CLOSE;
    if ((head->words & POLITE_SAYS_UPGRADE) && head->index == sizeof "upgrade" - 1)
        head->says |= POLITE_SAYS_UPGRADE;
    polite_head_word_begin(head);
}

/* A byte of a Connection field's value that is neither CR nor a control character. */
POLITE_INLINE void polite_head_word_step(struct polite_head *head, __u32 byte, __u32 at)
{
    __u32 lower = polite_lower(byte);

    if (byte == ',') {
        polite_head_word_end(head);
        return;
    }
    if (byte == ' ' || byte == '\t') {
        head->word_over = head->index > 0;
        return;
    }
    if (head->word_over) /* two words without a comma are none that we know */
        head->words = 0;
    if (head->index == 0)
        head->word_at = at;
    if (lower != polite_word_byte(POLITE_KEEP_ALIVE, head->index))
        head->words &= ~(__u32)POLITE_SAYS_KEEP_ALIVE;
    if (lower != polite_word_byte(POLITE_CLOSE, head->index))
        head->words &= ~(__u32)POLITE_SAYS_CLOSE;
    if (lower != polite_word_byte(POLITE_UPGRADE, head->index))
        head->words &= ~(__u32)POLITE_SAYS_UPGRADE;
    head->index++;
}

/* "HTTP/1." minor, space, three digits; then a space and a reason, or neither. */
POLITE_INLINE __u32 polite_head_status_step(struct polite_head *head, __u32 byte)
{
    switch (head->state) {
    case POLITE_HEAD_VERSION:
        if (byte != polite_word_byte(POLITE_VERSION, head->index))
            return POLITE_HEAD_NONE;
        head->index++;
        return head->index == sizeof "HTTP/1." - 1 ? POLITE_HEAD_MINOR : POLITE_HEAD_VERSION;
    case POLITE_HEAD_MINOR:
        head->minor = byte - '0';
        return byte == '0' || byte == '1' ? POLITE_HEAD_SPACE : POLITE_HEAD_NONE;
    case POLITE_HEAD_SPACE:
        head->index = 0;
        return byte == ' ' ? POLITE_HEAD_CODE : POLITE_HEAD_NONE;
    case POLITE_HEAD_CODE:
        if (head->index == 3) {
            if (head->status < 100 || head->status > 599)
                return POLITE_HEAD_NONE;
            if (byte == '\r')
                return POLITE_HEAD_STATUS_LF;
            return byte == ' ' ? POLITE_HEAD_REASON : POLITE_HEAD_NONE;
        }
        if (byte < '0' || byte > '9')
            return POLITE_HEAD_NONE;
        head->index++;
        head->status = 10 * head->status + byte - '0';
        return POLITE_HEAD_CODE;
    case POLITE_HEAD_REASON:
        if (byte == '\r')
            return POLITE_HEAD_STATUS_LF;
        return polite_is_text(byte) ? POLITE_HEAD_REASON : POLITE_HEAD_NONE;
    }
    return POLITE_HEAD_NONE;
}

POLITE_INLINE __u32 polite_head_name_step(struct polite_head *head, __u32 byte)
{

    if (byte == ':' && head->index > 0) {
        head->name_fits = head->name_fits && head->index == sizeof "connection" - 1;
        polite_head_word_begin(head);
        return POLITE_HEAD_VALUE;
    }
    if (!polite_is_token(byte))
        return POLITE_HEAD_NONE;
    if (polite_lower(byte) != polite_word_byte(POLITE_CONNECTION, head->index))
        head->name_fits = 0;
    head->index++;
    return POLITE_HEAD_NAME;
}

POLITE_INLINE __u32 polite_head_value_step(struct polite_head *head, __u32 byte, __u32 at)
{
    if (byte == '\r') {
        if (head->name_fits)
            polite_head_word_end(head);
        return POLITE_HEAD_VALUE_LF;
    }
    if (!polite_is_text(byte))
        return POLITE_HEAD_NONE;
    if (head->name_fits)
        polite_head_word_step(head, byte, at);
    return POLITE_HEAD_VALUE;
}

POLITE_INLINE __u32 polite_head_next(struct polite_head *head, __u32 byte, __u32 at)
{
    switch (head->state) {
    case POLITE_HEAD_STATUS_LF:
        head->status_end = at + 1;
        return byte == '\n' ? POLITE_HEAD_LINE : POLITE_HEAD_NONE;
    case POLITE_HEAD_LINE:
        if (byte == '\r')
            return POLITE_HEAD_END_LF;
        head->index = 0;
        head->name_fits = 1;
        return polite_head_name_step(head, byte);
    case POLITE_HEAD_NAME:
        return polite_head_name_step(head, byte);
    case POLITE_HEAD_VALUE:
        return polite_head_value_step(head, byte, at);
    case POLITE_HEAD_VALUE_LF:
        return byte == '\n' ? POLITE_HEAD_LINE : POLITE_HEAD_NONE;
    case POLITE_HEAD_END_LF:
        head->end = at + 1;
        return byte == '\n' ? POLITE_HEAD_WHOLE : POLITE_HEAD_NONE;
    case POLITE_HEAD_WHOLE:
    case POLITE_HEAD_NONE:
        return head->state;
    }
    return polite_head_status_step(head, byte);
}

/* Takes the byte at offset `at`; true while more are wanted. A byte behind the end changes
 * nothing. */
POLITE_INLINE bool polite_head_step(struct polite_head *head, __u32 byte, __u32 at)
{
    head->state = polite_head_next(head, byte, at);
    return head->state != POLITE_HEAD_WHOLE && head->state != POLITE_HEAD_NONE;
}

/* For a whole head. */
POLITE_INLINE enum polite_advice polite_head_advice(const struct polite_head *head)
{
    if (head->status == 101)
        return POLITE_ADVICE_UPGRADED;
    if (head->status < 200)
        return POLITE_ADVICE_INTERIM;
    if (head->says & POLITE_SAYS_CLOSE)
        return POLITE_ADVICE_CLOSING;
    if (head->says & POLITE_SAYS_UPGRADE)
        return POLITE_ADVICE_LEAVE;
    if (head->says & POLITE_SAYS_KEEP_ALIVE)
        return POLITE_ADVICE_REPLACE;
    return head->minor == 0 ? POLITE_ADVICE_CLOSING : POLITE_ADVICE_INSERT;
}

/* What the first bytes that a client sends look like. */
enum polite_kind {
    POLITE_KIND_OTHER,
    POLITE_KIND_REQUEST, /* "GET /…" */
    POLITE_KIND_TLS,     /* a record of TLS 1.0 … 1.3 */
};

enum {
    POLITE_FIRST_SIZE = 16, /* so many bytes are looked at */
};

POLITE_INLINE bool polite_is_tls(const __u8 first[POLITE_FIRST_SIZE])
{
    return first[0] >= 20 && first[0] <= 23 && first[1] == 3 && first[2] <= 4;
}

/* A request line: a method of 3 to 12 capital letters, a space, and "/", "*" or "http". CONNECT
 * has neither behind it, so a tunnel is never taken for requests. `first` is padded by zeros.
 */
POLITE_INLINE enum polite_kind polite_kind_of(const __u8 first[POLITE_FIRST_SIZE])
{
    bool over = false;

    if (polite_is_tls(first))
        return POLITE_KIND_TLS;
    for (int i = 0; i < POLITE_FIRST_SIZE - 3; i++) {
        if (over)
            return first[i] == '/' || first[i] == '*' ||
                           (first[i] == 'h' && first[i + 1] == 't')
                       ? POLITE_KIND_REQUEST
                       : POLITE_KIND_OTHER;
        if (first[i] == ' ' && i >= 3)
            over = true;
        else if (!((first[i] >= 'A' && first[i] <= 'Z') || (first[i] == '-' && i > 0)))
            return POLITE_KIND_OTHER;
    }
    return POLITE_KIND_OTHER;
}
