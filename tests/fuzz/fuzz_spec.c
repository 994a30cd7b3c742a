/* Any bytes as a journaled spec, and as an environment file: never a crash, and what is taken
 * is written and read again as the same. */
#include "wire/environment_file.h"
#include "wire/spec.h"
#include "wire/strings.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int pass_over(void *context, unsigned line, const char *found)
{
    (void)context;
    (void)line;
    (void)found;
    return 0;
}

static void check_spec(const char *bytes, size_t size)
{
    struct spec spec, again;
    char *text, *text_again;

    if (spec_decode(bytes, size, &spec) != 0)
        return;
    if (spec_encode(&spec, &text) < 0 || spec_decode(text, strlen(text), &again) != 0 ||
        spec_encode(&again, &text_again) < 0 || strcmp(text, text_again) != 0)
        abort();
    free(text_again);
    free(text);
    spec_release(&again);
    spec_release(&spec);
}

static void check_environment(const char *bytes, size_t size)
{
    char **environment = NULL;

    if (environment_file_decode(bytes, size, pass_over, NULL, &environment) != 0)
        return;
    for (size_t i = 0; environment != NULL && environment[i] != NULL; i++)
        if (strchr(environment[i], '=') == NULL)
            abort();
    strings_free(environment);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *bytes = size > 0 ? (const char *)data : "";

    check_spec(bytes, size);
    check_environment(bytes, size);
    return 0;
}
