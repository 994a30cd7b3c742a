#include "reloadd/probe.h"

#include "base/error.h"
#include "base/log.h"
#include "base/text.h"
#include "reloadd/app.h"
#include "reloadd/ask.h"
#include "reloadd/lanes.h"
#include "reloadd/process.h"
#include "wire/expect.h"

#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

/* Until there is room for one more directed connection. */
#define BUSY_PAUSE span_from_ms(20)

struct probe {
    struct process *process;
    struct timer *timer; /* the next question; not armed while one is under way */
    struct ask *ask;     /* NULL: none is under way */
    struct steering_probe_ends ends;
    struct instant begun;          /* the last question */
    unsigned bad;                  /* answers in a row */
    bool told;                     /* the core knows that they were too many */
    struct reason last;            /* what the last bad one came to */
    char target[PROBE_WORDS_SIZE]; /* what was asked last; "": nothing yet */
};

static const struct spec *probe_spec(const struct probe *probe)
{
    return app_spec(probe->process->app, probe->process->revision);
}

static const struct worker *probed_worker(const struct probe *probe)
{
    return rollout_worker(probe->process->app->rollout, probe->process->worker);
}

/* Words. */

static void write_target(const struct spec *spec, const char *address,
                         char text[static PROBE_WORDS_SIZE])
{
    bool http = spec->policy.readiness == READINESS_HTTP;

    (void)snprintf(text, PROBE_WORDS_SIZE, "%s://%s%s", http ? "http" : "tcp", address,
                   http ? spec_probe_path(spec) : "");
}

const char *probe_target(const struct app *app, const struct spec *spec,
                         char text[static PROBE_WORDS_SIZE])
{
    const struct listener_spec *wanted = spec_probed_listener(spec);
    const struct listener *listener =
        wanted ? listeners_find(&app->listeners, wanted->address) : NULL;

    text[0] = '\0';
    if (wanted && readiness_probes(spec->policy.readiness))
        write_target(spec, listener ? listener->bound : wanted->address, text);
    return text;
}

const char *probe_words(const struct process *process, char text[static PROBE_WORDS_SIZE])
{
    const struct probe *probe = process->probe;
    char fault[PROBE_WORDS_SIZE / 2];
    bool answered;

    if (!probe || probe->bad == 0)
        return NULL;
    answered = probe->last.cause == CAUSE_UNHEALTHY;
    (void)snprintf(text, PROBE_WORDS_SIZE, "%s%s%s (%u in a row)",
                   probe_describe(&probe->last, fault, sizeof(fault)),
                   answered ? ", expected " : "",
                   answered ? spec_probe_expect(probe_spec(probe)) : "", probe->bad);
    return text;
}

static void say(const struct probe *probe, int level, const char *what)
{
    struct process *process = probe->process;

    app_say(process->app, level, "worker %llu (slot %u): probe of %s: %s",
            (unsigned long long)process->worker, process->slot,
            *probe->target != '\0' ? probe->target : "no listener", what);
}

/* Judging. */

static void post(const struct probe *probe, enum event_kind kind, struct reason exit)
{
    app_post(probe->process->app,
             &(struct event){.kind = kind, .worker = probe->process->worker, .exit = exit});
}

static void take_good(struct probe *probe, const struct worker *worker)
{
    if (probe->bad > 0)
        say(probe, LEVEL_NOTICE, "answered well again");
    probe->bad = 0;
    if (worker->state == WORKER_STARTING)
        post(probe, EVENT_READY, (struct reason){0});
    if (probe->told)
        post(probe, EVENT_HEALTHY, (struct reason){0});
    probe->told = false;
}

static void take_bad(struct probe *probe, struct reason reason, unsigned too_many)
{
    char words[PROBE_WORDS_SIZE];

    probe->last = reason;
    probe->bad++;
    if (probe->told)
        return;
    say(probe, LEVEL_WARNING, probe_words(probe->process, words));
    if (probe->bad < too_many)
        return;
    probe->told = true;
    post(probe, EVENT_UNHEALTHY, reason);
}

static void judge(struct probe *probe, const struct ask_answer *answer)
{
    const struct worker *worker = probed_worker(probe);
    const struct spec *spec = probe_spec(probe);
    bool http = spec->policy.readiness == READINESS_HTTP;

    if (!worker)
        return;
    if (answer->error != 0)
        take_bad(probe, (struct reason){.cause = CAUSE_UNANSWERED, .code = answer->error},
                 spec->probe.failures);
    else if (http && !expect_has(spec_probe_expect(spec), answer->status))
        take_bad(probe, (struct reason){.cause = CAUSE_UNHEALTHY, .code = answer->status},
                 spec->probe.failures);
    else
        take_good(probe, worker);
}

/* Nothing can be directed to it: no answer would be its own. A candidate must not be admitted
 * unasked; one that serves goes on, as it would without liveness. */
static void give_up(struct probe *probe, int error)
{
    struct process *process = probe->process;
    const struct worker *worker = probed_worker(probe);

    if (worker && worker->state == WORKER_STARTING)
        take_bad(probe, (struct reason){.cause = CAUSE_UNANSWERED, .code = error}, 1);
    else
        say(probe, LEVEL_WARNING,
            "it can't be asked any more, for its listener is shared: liveness is not watched");
    probe_end(process);
    app_pump(process->app);
}

/* Asking. */

static void end_question(struct probe *probe)
{
    if (!probe->ask)
        return;
    ask_free(probe->ask);
    probe->ask = NULL;
    lanes_probe_end(probe->process, &probe->ends);
    (void)close_fd(probe->ends.fd);
}

static void schedule_next(struct probe *probe)
{
    struct instant next = instant_plus(probe->begun, probe_spec(probe)->probe.interval);

    timer_set(probe->timer, next);
}

static void on_answered(void *user, const struct ask_answer *answer)
{
    struct probe *probe = user;

    end_question(probe);
    judge(probe, answer);
    schedule_next(probe);
    app_pump(probe->process->app);
}

/* The Host header where the configuration has none: what is asked. */
static int append_host(struct text *request, const struct steering_probe_ends *ends)
{
    char host[NI_MAXHOST];
    char port[NI_MAXSERV];

    if (getnameinfo((const struct sockaddr *)(const void *)&ends->to, ends->size, host,
                    sizeof(host), port, sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV) != 0)
        return -EINVAL;
    host[strcspn(host, "%")] = '\0'; /* a zone is nobody's matter but ours (RFC 6874, 4) */
    return text_appendf(request, ends->to.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host,
                        port);
}

static int write_request(const struct spec *spec, const struct steering_probe_ends *ends,
                         struct text *request)
{
    int r = text_appendf(request, "GET %s HTTP/1.1\r\nHost: ", spec_probe_path(spec));

    if (r == 0)
        r = spec->probe.host ? text_append_string(request, spec->probe.host)
                             : append_host(request, ends);
    if (r == 0)
        r = text_append_string(request, "\r\nUser-Agent: reloadd/" RELOADD_VERSION
                                        " probe\r\nAccept: */*\r\nConnection: close\r\n\r\n");
    return r;
}

static int start_question(struct probe *probe)
{
    const struct spec *spec = probe_spec(probe);
    _cleanup_text_ struct text request = {0};
    struct ask_question question = {.ends = &probe->ends, .patience = spec->probe.timeout};
    int r = 0;

    if (spec->policy.readiness == READINESS_HTTP) {
        r = write_request(spec, &probe->ends, &request);
        question.request = text_string(&request);
    }
    if (r == 0)
        r = ask_start(probe->process->app->loop, &question, on_answered, probe, &probe->ask);
    if (r < 0) {
        lanes_probe_end(probe->process, &probe->ends);
        (void)close_fd(probe->ends.fd);
    }
    return r;
}

/* The one that the configuration says; or where `listen` says nothing, the first that the
 * worker itself has bound. NULL: none is there. */
static const struct listener *probed_listener(const struct probe *probe)
{
    const struct spec *spec = probe_spec(probe);
    const struct listener_spec *wanted = spec_probed_listener(spec);
    const struct listener *list[PROCESS_LISTENERS_MAX];
    size_t n = process_listeners(probe->process, list);

    if (wanted)
        return listeners_find(&probe->process->app->listeners, wanted->address);
    for (size_t i = 0; i < n && spec->discovers; i++)
        if (list[i]->port != 0)
            return list[i];
    return NULL;
}

/* Returns as lanes_probe_begin(), or -EDESTADDRREQ where there is nothing to ask over. */
static int open_question(struct probe *probe)
{
    const struct listener *listener = probed_listener(probe);

    if (!listener)
        return -EDESTADDRREQ;
    write_target(probe_spec(probe), listener->bound, probe->target);
    return lanes_probe_begin(probe->process, listener, &probe->ends);
}

static bool is_wanted(const struct probe *probe)
{
    const struct worker *worker = probed_worker(probe);

    if (!worker || probe->process->ended)
        return false;
    return worker->state == WORKER_STARTING || worker->state == WORKER_WARMING ||
           (worker->state == WORKER_ADMITTED && probe_spec(probe)->probe.liveness);
}

static void on_time(void *user)
{
    struct probe *probe = user;
    int r;

    if (!is_wanted(probe)) {
        probe_end(probe->process);
        return;
    }
    probe->begun = loop_now(probe->process->app->loop);
    r = open_question(probe);
    if (r == -EBUSY) {
        timer_set(probe->timer, instant_plus(probe->begun, BUSY_PAUSE));
        return;
    }
    if (r == 1 || r == -EDESTADDRREQ) {
        give_up(probe, r == 1 ? EOPNOTSUPP : EDESTADDRREQ);
        return;
    }
    if (r == 0)
        r = start_question(probe);
    if (r < 0)
        on_answered(probe, &(struct ask_answer){.error = -r});
}

static void begin_at(struct process *process, struct instant first)
{
    struct probe *probe;
    int r = -ENOMEM;

    if (process->probe ||
        !readiness_probes(app_spec(process->app, process->revision)->policy.readiness))
        return;
    probe = calloc(1, sizeof(*probe));
    if (probe)
        r = timer_new(process->app->loop, on_time, probe, &probe->timer);
    if (r < 0) {
        app_say(process->app, LEVEL_ERROR, "worker %llu can't be asked: %s",
                (unsigned long long)process->worker, strerror(-r));
        free(probe);
        return;
    }
    probe->process = process;
    process->probe = probe;
    timer_set(probe->timer, first);
}

void probe_begin(struct process *process)
{
    begin_at(process, loop_now(process->app->loop));
}

void probe_begin_adopted(struct process *process)
{
    uint64_t interval = app_spec(process->app, process->revision)->probe.interval.nanoseconds;
    uint64_t part = (process->worker * 0x9e3779b97f4a7c15u) >> 54; /* Knuth's hash: 0 … 1023 */

    begin_at(process,
             instant_plus(loop_now(process->app->loop), (struct span){interval / 1024 * part}));
}

void probe_end(struct process *process)
{
    struct probe *probe = process->probe;

    if (!probe)
        return;
    process->probe = NULL;
    end_question(probe);
    timer_free(probe->timer);
    free(probe);
}
