#include "reloadctl/options.h"

#include "base/error.h"
#include "reloadctl/clock.h"
#include "reloadctl/complain.h"
#include "reloadctl/since.h"
#include "reloadctl/suggest.h"

#include <getopt.h>
#include <math.h>
#include <string.h>

/* What getopt_long() returns for an option: no character, so that '?' and ':' stay its own. */
enum {
    OPTION_BASE = 1024,
};

static const double timeout_max_seconds = 1e8;

static const struct {
    const char *name;
    char letter;          /* 0: none */
    const char *argument; /* NULL: takes none */
    const char *help;
} forms[OPTION_N] = {
    [OPTION_HELP] = {"help", 'h', NULL, "show this help"},
    [OPTION_JSON] = {"json", 'j', NULL, "write JSON: one object, or a line for each event"},
    [OPTION_TIMEOUT] = {"timeout", 't', "SECONDS", "wait no longer than this (exit code 6)"},
    [OPTION_RELEASE] = {"release", 'r', "LABEL", "your own label of what is rolled out"},
    [OPTION_WAIT] = {"wait", 0, NULL, "wait for the outcome (the default)"},
    [OPTION_NO_WAIT] = {"no-wait", 0, NULL, "return as soon as the reload is accepted"},
    [OPTION_QUEUE] = {"queue", 0, NULL, "after the rollout that is under way, if there is one"},
    [OPTION_REFUSE] = {"refuse", 0, NULL, "not at all while a rollout is under way"},
    [OPTION_WATCH] = {"watch", 'w', NULL, "go on showing it as it changes"},
    [OPTION_HURRY] = {"hurry", 0, NULL, "kill the workers instead of draining them"},
    [OPTION_FOLLOW] = {"follow", 'f', NULL, "go on with new lines as they come"},
    [OPTION_LINES] = {"lines", 'n', "N", "the newest N lines (100)"},
    [OPTION_WORKER] = {"worker", 0, "SLOT", "of the workers in this slot alone"},
    [OPTION_REVISION] = {"revision", 0, "N", "of the workers of this revision alone"},
    [OPTION_SINCE] = {"since", 'S', "TIME",
                      "from then on, as -1h, today, \"2026-11-21 10:00\""},
    [OPTION_DIRECTORY] = {"directory", 'D', "FOLDER", "of the system journal's files there"},
    [OPTION_NAME] = {"name", 0, "NAME", "the app's name"},
    [OPTION_LISTEN] = {"listen", 'l', "ADDRESS", "listen here; may be given several times"},
    [OPTION_WORKERS] = {"workers", 'i', "N|max", "how many workers"},
    [OPTION_CONFIG] = {"config", 'c', "FILE", "the app's configuration"},
    [OPTION_RESTART] = {"restart", 0, NULL, "stop and start it, its listeners too"},
};

int number_parse(const char *text, int64_t min, int64_t max, int64_t *ret_number)
{
    char *end;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    bool is_plain =
        text[0] == '-' ? text[1] >= '0' && text[1] <= '9' : text[0] >= '0' && text[0] <= '9';

    if (!is_plain || *end != '\0' || errno != 0 || number < min || number > max)
        return 1;
    *ret_number = number;
    return 0;
}

static int parse_timeout(const char *text, struct options *options)
{
    char *end;
    double seconds = strtod(text, &end);
    bool is_plain = text[0] >= '0' && text[0] <= '9';

    if (!is_plain || *end != '\0' || !isfinite(seconds) || seconds > timeout_max_seconds) {
        complain("--timeout takes a number of seconds, not \"%s\"", text);
        return 1;
    }
    options->timeout = (struct span){(uint64_t)(seconds * 1e9)};
    options->has_timeout = true;
    return 0;
}

static int parse_optional(const char *option, const char *text, int64_t max,
                          struct optional_int *ret_value)
{
    int64_t value;

    if (number_parse(text, 0, max, &value) != 0) {
        complain("--%s takes a number in 0 … %lld, not \"%s\"", option, (long long)max, text);
        return 1;
    }
    *ret_value = optional_int(value);
    return 0;
}

static int parse_since(const char *text, struct options *options)
{
    const struct wall now = {(int64_t)(clock_wall() * 1e6)};

    if (since_parse(text, now, &options->since) != 0) {
        complain("--since takes a time such as \"-1h\", \"10 min ago\", \"today\" or "
                 "\"2026-11-21 10:00\", not \"%s\"",
                 text);
        return 1;
    }
    options->has_since = true;
    return 0;
}

static int set_conflict(struct options *options, enum conflict conflict)
{
    if (options->conflict_is_chosen && options->conflict != conflict) {
        complain("--queue and --refuse exclude each other");
        return 1;
    }
    options->conflict = conflict;
    options->conflict_is_chosen = true;
    return 0;
}

static int add_listen(const char *address, struct options *options)
{
    const char **grown =
        realloc(options->listen, (options->listen_n + 1) * sizeof(*options->listen));

    if (!grown)
        return -ENOMEM;
    options->listen = grown;
    options->listen[options->listen_n++] = address;
    return 0;
}

static int set_flag(bool *flag)
{
    *flag = true;
    return 0;
}

static int set_text(const char **text, const char *value)
{
    *text = value;
    return 0;
}

static int take_option(enum option_id id, const char *value, struct options *options)
{
    switch (id) {
    case OPTION_HELP:
        return set_flag(&options->help);
    case OPTION_JSON:
        return set_flag(&options->json);
    case OPTION_TIMEOUT:
        return parse_timeout(value, options);
    case OPTION_RELEASE:
        return set_text(&options->release, value);
    case OPTION_WAIT:
        options->no_wait = false;
        return 0;
    case OPTION_NO_WAIT:
        return set_flag(&options->no_wait);
    case OPTION_QUEUE:
        return set_conflict(options, CONFLICT_QUEUE);
    case OPTION_REFUSE:
        return set_conflict(options, CONFLICT_REFUSE);
    case OPTION_WATCH:
        return set_flag(&options->watch);
    case OPTION_HURRY:
        return set_flag(&options->hurry);
    case OPTION_FOLLOW:
        return set_flag(&options->follow);
    case OPTION_LINES:
        return parse_optional("lines", value, LOG_LINES_MAX, &options->lines);
    case OPTION_WORKER:
        return parse_optional("worker", value, SLOT_MAX - 1, &options->slot);
    case OPTION_REVISION:
        return parse_optional("revision", value, INT64_MAX, &options->revision);
    case OPTION_SINCE:
        return parse_since(value, options);
    case OPTION_DIRECTORY:
        return set_text(&options->directory, value);
    case OPTION_NAME:
        return set_text(&options->name, value);
    case OPTION_LISTEN:
        return add_listen(value, options);
    case OPTION_WORKERS:
        return set_text(&options->workers, value);
    case OPTION_CONFIG:
        return set_text(&options->config, value);
    case OPTION_RESTART:
        return set_flag(&options->restart);
    case OPTION_N:
        break;
    }
    assert(false);
    return 1;
}

/* The tables getopt_long() wants, of the options that the form names. `letters` holds three
 * characters for each option and three more. */
static void fill_tables(const struct options_form *form,
                        struct option table[static OPTION_N + 1], char *letters)
{
    struct option *entry = table;

    if (form->ends_at_operand)
        *letters++ = '+';
    *letters++ = ':';
    for (int id = 0; id < OPTION_N; id++) {
        if ((form->options & OPTION_BIT(id)) == 0)
            continue;
        *entry++ = (struct option){
            .name = forms[id].name,
            .has_arg = forms[id].argument ? required_argument : no_argument,
            .val = OPTION_BASE + id,
        };
        if (forms[id].letter == 0)
            continue;
        *letters++ = forms[id].letter;
        if (forms[id].argument)
            *letters++ = ':';
    }
    *entry = (struct option){0};
    *letters = '\0';
}

static enum option_id option_of_letter(int letter)
{
    for (int id = 0; id < OPTION_N; id++)
        if (forms[id].letter != 0 && forms[id].letter == letter)
            return (enum option_id)id;
    return OPTION_N;
}

static void complain_unknown(const struct options_form *form, const char *word)
{
    const char *names[OPTION_N] = {0};
    const char *nearest = NULL;

    if (optopt >= OPTION_BASE) {
        complain("%s: --%s takes no value", form->verb, forms[optopt - OPTION_BASE].name);
        return;
    }
    if (optopt != 0) {
        complain("%s has no option -%c", form->verb, optopt);
        return;
    }
    for (int id = 0; id < OPTION_N; id++)
        if ((form->options & OPTION_BIT(id)) != 0)
            names[id] = forms[id].name;
    nearest = suggest_nearest(word + strspn(word, "-"), names, OPTION_N);
    if (nearest)
        complain("%s has no option %s; did you mean --%s?", form->verb, word, nearest);
    else
        complain("%s has no option %s; see reloadctl help %s", form->verb, word, form->verb);
}

int options_parse(const struct options_form *form, int argc, char *argv[],
                  struct options *ret_options)
{
    _cleanup_(options_release) struct options options = {.timeout = SPAN_FOREVER};
    struct option table[OPTION_N + 1];
    char letters[3 * OPTION_N + 3];
    int found;

    fill_tables(form, table, letters);
    optind = 0; /* glibc: begin anew, and look at the leading '+' again (getopt(3), NOTES) */
    opterr = 0;
    while ((found = getopt_long(argc, argv, letters, table, NULL)) != -1) {
        int r;
        if (found == ':') {
            complain("%s: %s wants a value", form->verb, argv[optind - 1]);
            return 1;
        }
        if (found == '?') {
            complain_unknown(form, argv[optind - 1]);
            return 1;
        }
        r = take_option(found >= OPTION_BASE ? (enum option_id)(found - OPTION_BASE)
                                             : option_of_letter(found),
                        optarg, &options);
        if (r != 0)
            return r;
    }
    options.operands = argv + optind;
    options.operand_n = argc - optind;
    *ret_options = options;
    options.listen = NULL;
    return 0;
}

void options_release(struct options *options)
{
    if (!options)
        return;
    free(options->listen);
    *options = (struct options){0};
}

void options_write_help(FILE *stream, uint32_t options)
{
    for (int id = 0; id < OPTION_N; id++) {
        char left[40];
        char letter[5] = "    ";
        if ((options & OPTION_BIT(id)) == 0)
            continue;
        if (forms[id].letter != 0)
            (void)snprintf(letter, sizeof(letter), "-%c, ", forms[id].letter);
        (void)snprintf(left, sizeof(left), "%s--%s%s%s", letter, forms[id].name,
                       forms[id].argument ? " " : "",
                       forms[id].argument ? forms[id].argument : "");
        (void)fprintf(stream, "  %-24s  %s\n", left, forms[id].help);
    }
}
