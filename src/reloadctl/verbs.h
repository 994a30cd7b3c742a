/* The verbs. Each takes what its command line says and returns the exit code; whatever is to be
 * said has then been said. main.c has the table.
 */
#pragma once

#include "reloadctl/exit_code.h"
#include "reloadctl/options.h"

struct verb {
    const char *name;
    const char *synopsis; /* what comes behind the name */
    const char *summary;
    uint32_t options; /* bits of enum option_id; help is always there */
    int operands_min;
    int operands_max;
    bool ends_at_operand; /* as in struct options_form */
    enum exit_code (*run)(const struct options *options);
};

/* The app that the first operand names; NULL: left out. */
static inline const char *options_app(const struct options *options)
{
    return options->operand_n > 0 ? options->operands[0] : NULL;
}

enum exit_code verb_run(const struct options *options);
enum exit_code verb_check(const struct options *options);
enum exit_code verb_enable(const struct options *options);
enum exit_code verb_disable(const struct options *options);
enum exit_code verb_status(const struct options *options);
enum exit_code verb_list(const struct options *options);
enum exit_code verb_reload(const struct options *options);
enum exit_code verb_scale(const struct options *options);
enum exit_code verb_stop(const struct options *options);
enum exit_code verb_logs(const struct options *options);
enum exit_code verb_history(const struct options *options);
enum exit_code verb_events(const struct options *options);
enum exit_code verb_upgrade(const struct options *options);
