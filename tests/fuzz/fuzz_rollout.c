/* libFuzzer on the core. The first byte chooses: a life of an app in a lawful but ill-willed
 * world (tests/core/play.h), or a hostile journal (tests/core/hostile.h). */
#include "../core/invariant.c"

#include "../core/hostile.c"
#include "../core/play.c"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* Once for all inputs: half a megabyte each. */
    static struct play play;
    static struct hostile hostile;
    const char *wrong;

    if (!play.rollout && play_init(&play) != 0)
        abort();
    if (!hostile.rollout && hostile_init(&hostile) != 0)
        abort();
    if (size == 0)
        return 0;
    wrong = data[0] % 4 == 3 ? hostile_run(&hostile, data + 1, size - 1)
                             : play_run(&play, data + 1, size - 1);
    if (wrong) {
        fprintf(stderr, "%s\n", wrong);
        abort();
    }
    return 0;
}
