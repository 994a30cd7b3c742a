#include "chance.h"

#include <assert.h>

void chance_seed(struct chance *chance, uint64_t seed)
{
    *chance = (struct chance){.state = (seed + 1) * 0x9e3779b97f4a7c15u};
    if (chance->state == 0)
        chance->state = 1;
    (void)chance_below(chance, 2); /* the first draws of neighbours resemble each other */
    (void)chance_below(chance, 2);
}

uint32_t chance_below(struct chance *chance, uint32_t n)
{
    assert(n > 0);
    if (chance->script)
        return 0;
    /* xorshift64* (Vigna, "An experimental exploration of Marsaglia's xorshift generators"). */
    chance->state ^= chance->state >> 12;
    chance->state ^= chance->state << 25;
    chance->state ^= chance->state >> 27;
    return (uint32_t)((chance->state * 2685821657736338717u) >> 32) % n;
}

bool chance_one_in(struct chance *chance, uint32_t n)
{
    return chance_below(chance, n) == n - 1 && !chance->script;
}

struct span chance_ms(struct chance *chance, uint32_t low, uint32_t high)
{
    return span_from_ms(low + chance_below(chance, high - low + 1));
}

uint32_t chance_choose(struct chance *chance, uint32_t n)
{
    struct script *script = chance->script;

    if (!script)
        return chance_below(chance, n);
    if (n == 1)
        return 0;
    assert(n <= UINT8_MAX && script->at < SCRIPT_MAX);
    if (script->at == script->n) {
        script->choice[script->n] = 0;
        script->of[script->n++] = (uint8_t)n;
    }
    /* The same choices lead to the same questions, or nothing here can be repeated. */
    assert(script->of[script->at] == n);
    return script->choice[script->at++];
}

bool script_advance(struct script *script)
{
    script->n = script->at; /* what a path no longer asked is forgotten */
    while (script->n > 0 && script->choice[script->n - 1] + 1 == script->of[script->n - 1])
        script->n--;
    script->at = 0;
    if (script->n == 0)
        return false;
    script->choice[script->n - 1]++;
    return true;
}
