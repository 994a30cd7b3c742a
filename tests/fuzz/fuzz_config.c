/* Any bytes as a configuration: never a crash, and what is taken survives the journal. */
#include "wire/config.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_errors(const struct config_errors *errors)
{
    for (size_t i = 0; i < errors->n; i++) {
        char *line;

        if (config_error_format(&errors->list[i], "fuzz.json", &line) < 0)
            abort();
        free(line);
        if (i > 0 && errors->list[i].line != 0 &&
            errors->list[i - 1].line > errors->list[i].line)
            abort();
    }
}

static void check_round_trip(const struct spec *spec)
{
    struct spec again;
    char *text, *text_again;

    if (spec_encode(spec, &text) < 0 || spec_decode(text, strlen(text), &again) != 0 ||
        spec_encode(&again, &text_again) < 0 || strcmp(text, text_again) != 0)
        abort();
    free(text_again);
    free(text);
    spec_release(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = size > 0 ? (const char *)data : "";
    struct config_errors errors = {0};
    struct spec spec = {0};
    int r = config_decode(text, size, 0, &spec, &errors);

    if ((r == 0) != (errors.n == 0))
        abort();
    if (r == 0)
        check_round_trip(&spec);
    check_errors(&errors);
    config_errors_release(&errors);
    spec_release(&spec);
    return 0;
}
