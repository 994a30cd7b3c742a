/* A whole app in virtual time around the pure core: the primary that runs it and may die
 * between any two acts, the disk, the worker processes, the service manager that keeps their
 * descriptors, and the clients. docs/SIMULATOR.md has the picture.
 *
 *   world.c     the processes: what they do by themselves, what signals do to them, their
 * notices primary.c   the shell: persist, then the effects one by one; where it can die
 *   recovery.c  how a primary begins, with and without an earlier one's workers
 *   wishes.c    the clients, and what each has heard
 *   oracle.c    the invariants
 *   life.c      one life by its seed; explore.c: all short ones
 */
#pragma once

#include "chance.h"
#include "disk.h"

#include <stdio.h>

enum {
    PROCESS_MAX = 256, /* in the world at once, ended ones that nobody has heard of included */
    NOTICE_MAX = 512,
    POSTED_MAX = 256,
    WISH_MAX = 512,     /* revisions in a life */
    LISTENER_COUNT = 4, /* addresses that a revision may have */
    FUSE_NONE = 0,
};

/* One worker: its process, what it is going to do, and what the journal was told of it. */
struct process {
    uint64_t worker;
    uint64_t revision;
    uint64_t start_time;
    uint32_t slot;
    int32_t pid;
    bool alive;
    bool stored;  /* the service manager keeps its pidfd */
    bool watched; /* this primary hears of its end */
    struct reason exit;

    /* When it does what by itself; INSTANT_NEVER: it does not. */
    struct instant exec_fails;
    struct instant says_ready;
    struct instant says_extend;
    struct instant asks_watchdog;
    struct instant pings;
    struct instant triggers;
    struct instant swells;  /* is over its memory, from then on */
    struct instant sickens; /* answers its probe badly, or well again */
    struct instant dies;
    struct instant last_said; /* its datagrams stay in order */
    struct span ping_period;  /* 0: it does not ping */
    struct span drains;       /* from the signal to its end; SPAN_FOREVER: it ignores it */
    struct span resists;      /* SIGKILL, in an uninterruptible call */
    bool serves;              /* would be seen to accept */
    bool leaving;             /* by script: it was told to go, and when it does is a choice */
    bool says_twice;
    bool sick;

    /* The primary's own memory of it: dies with the primary. */
    struct instant signal_at; /* its drain signal waits for quiet connections */

    /* For the oracle. */
    bool admitted;
    bool retired;
    bool found;
    bool asked; /* RECORD_WORKER_ASKED is on disk */
    unsigned signals;
    uint64_t signal_life;    /* the primary's, at the last drain signal */
    struct instant patience; /* not to be killed before */
    struct instant bites;    /* its watchdog must not before */
    bool has_triggered;
    bool hurried; /* may be killed unasked */
};

struct notice {
    struct instant at;
    uint64_t order;
    bool by_socket; /* waits in a socket that outlives the primary */
    struct event event;
};

enum quality {
    QUALITY_GOOD,
    QUALITY_FLAKY,
    QUALITY_DEAF, /* never ready */
    QUALITY_BAD,  /* its workers die young */
    QUALITY_N,
};

/* A revision, and whoever waits for its outcome. */
struct wish {
    struct policy policy;
    enum quality quality;
    uint32_t listeners;    /* one bit an address */
    bool pinned;           /* its configuration is still known */
    bool accepted;         /* the client was told so */
    bool wished;           /* its outcome is owed */
    bool heard;            /* the client knows the outcome */
    bool excused;          /* the journal was lost meanwhile: its outcome may be told twice */
    uint64_t accepted_seq; /* of the record */
    uint64_t wished_seq;
    uint64_t ended_seq;
    unsigned ended; /* records of its outcome */
    enum outcome outcome;
};

struct primary {
    bool alive;
    bool exited;   /* by EFFECT_EXIT */
    uint64_t life; /* which primary this is */
    struct rollout *rollout;
    struct rollout *mirror; /* what the disk would replay to */
    struct update *update;
    struct update *scratch;
    unsigned fuse;        /* boundaries until it dies; FUSE_NONE: it does not */
    struct instant wakes; /* is not scheduled before */
    struct instant born;  /* dead: the next one's birth */
    struct instant retry; /* of a journal that can't be written */
    uint32_t listeners;   /* that are open */
    bool listeners_changed;
    struct event posted[POSTED_MAX];
    size_t posted_n;
    struct event answers[UPDATE_EFFECTS_MAX];
    size_t answer_n;
};

/* How ill-willed this life is: one in n, each; 0: never. */
struct temper {
    bool wire;
    uint32_t deaths; /* of the primary, at each action */
    uint32_t reboots;
    uint32_t full;    /* disk */
    uint32_t naps;    /* the primary is not scheduled */
    uint32_t quality; /* revisions that are not good */
    uint32_t spawn;   /* failed */
    uint32_t late;    /* notices */
    uint32_t twice;   /* notices */
};

struct sim {
    struct chance chance;
    struct instant now;
    bool calm; /* all faults have stopped */
    struct temper temper;
    struct primary primary;
    struct disk disk;
    struct process processes[PROCESS_MAX];
    size_t process_n;
    struct notice notices[NOTICE_MAX];
    size_t notice_n;
    uint64_t order;
    int32_t last_pid;
    struct wish wishes[WISH_MAX]; /* by revision */
    bool scaling; /* a user's `scale` was written down, and perhaps not all that follows from it
                   */
    bool lost;    /* a primary has died with a journal that was behind */
    unsigned deaths_left; /* by script */
    const char *wrong;    /* the first violation; NULL: none so far */
    uint64_t steps;       /* of the core, in all lives */
    uint64_t deaths;      /* of the primary, in all lives */
    FILE *trace;          /* NULL: nowhere */
};

MUST_CHECK int sim_init(struct sim *sim);
void sim_release(struct sim *sim);

/* Forgets the last life. */
void sim_reset(struct sim *sim);

/* The first violation counts. */
void sim_violate(struct sim *sim, const char *what);
void sim_trace(const struct sim *sim, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The world. */
struct process *world_find(struct sim *sim, uint64_t worker);
struct process *world_bear(struct sim *sim, const struct effect *spawn);
void world_post(struct sim *sim, struct instant at, struct event event, bool by_socket);
struct instant world_next(const struct sim *sim); /* when a process acts */
void world_act(struct sim *sim);                  /* all that is due */
struct instant world_next_notice(const struct sim *sim);
bool world_take_notice(struct sim *sim, struct event *ret_event); /* one that is due */
void world_end(struct sim *sim, struct process *process, struct reason how);
void world_signal_drain(struct sim *sim, struct process *process);
void world_kill(struct sim *sim, struct process *process);
void world_abort(struct sim *sim, struct process *process);
void world_bury(struct sim *sim);   /* forgets those whose end everybody knows */
void world_orphan(struct sim *sim); /* the primary has died: what was in its memory */
void world_raze(struct sim *sim);   /* the machine has gone down */

/* The primary. */
bool primary_dies(struct sim *sim); /* at a boundary: whether it is dead by now */
void primary_kill(struct sim *sim);
void primary_post(struct sim *sim, const struct event *event);
void primary_take(struct sim *sim, const struct event *event); /* and all that follows */
void primary_pump(struct sim *sim);
void primary_signal_due(struct sim *sim); /* drain signals that have waited */
bool primary_compact(struct sim *sim);
struct instant primary_wake(const struct sim *sim);
void primary_begin(struct sim *sim);      /* recovery.c */
uint64_t primary_accept(struct sim *sim); /* posts it; the revision */

/* The clients. */
struct wish *wish_of(struct sim *sim, uint64_t revision);
void wishes_tell(struct sim *sim, const struct effect *outcome);
void wishes_ask_again(struct sim *sim); /* of a new primary */
void wishes_reboot(struct sim *sim);    /* what was not synced was never accepted */
void client_reload(struct sim *sim, enum conflict conflict);
void client_act(struct sim *sim);

/* The oracle. */
void oracle_stepped(struct sim *sim, const struct event *event); /* before it is persisted */
void oracle_recorded(struct sim *sim, const struct record *record, bool on_disk);
void oracle_born(struct sim *sim, const struct process *process);
void oracle_drained(struct sim *sim, struct process *process);
void oracle_killed(struct sim *sim, const struct process *process);
void oracle_aborted(struct sim *sim, const struct process *process);
void oracle_swept(struct sim *sim, const struct process *process);
void oracle_settled(struct sim *sim); /* nothing is left to be taken */
bool oracle_rests(const struct sim *sim);
void oracle_ended(struct sim *sim); /* the life is over, all faults have long stopped */
void oracle_durable(struct sim *sim);

/* One life. Returns NULL, or the violation. Static. */
const char *life_run(struct sim *sim, uint64_t seed);
void life_calm(struct sim *sim);

/* All lives of `depth` actions. Returns NULL, or the violation. Static. */
struct explored {
    uint64_t lives;
    uint64_t states;
    uint64_t pruned; /* paths that met a state that was explored from */
};
const char *explore_run(struct sim *sim, unsigned depth, struct explored *ret_explored);
