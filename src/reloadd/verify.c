#include "reloadd/verify.h"

#include "base/error.h"
#include "base/log.h"
#include "reloadd/load.h"
#include "wire/verdict.h"

#include <stdio.h>
#include <string.h>

extern char **environ;

static int print_json(const struct options *options, const struct config_errors *errors)
{
    _cleanup_free_ char *text = NULL;

    if (verdict_encode(options->config, errors, &text) < 0 || puts(text) < 0)
        return EXIT_FAILED;
    return errors->n == 0 ? EXIT_DONE : EXIT_REFUSED;
}

static int print_words(const struct options *options, const struct config_errors *errors)
{
    for (size_t i = 0; i < errors->n; i++) {
        _cleanup_free_ char *line = NULL;

        if (config_error_format(&errors->list[i], options->config, &line) == 0)
            (void)fprintf(stderr, "%s\n", line);
    }
    if (errors->n > 0)
        return EXIT_REFUSED;
    (void)printf("%s: valid\n", options->config);
    return EXIT_DONE;
}

int verify_run(const struct options *options)
{
    _cleanup_(config_errors_release) struct config_errors errors = {0};
    struct spec spec = {0};
    struct load_request request = {
        .config_path = options->config,
        .environment = (const char *const *)environ,
    };
    int r = load_spec(&request, &spec, &errors);

    spec_release(&spec);
    if (r < 0) {
        log_error("%s: %s", options->config, strerror(-r));
        return EXIT_FAILED;
    }
    return options->json ? print_json(options, &errors) : print_words(options, &errors);
}
