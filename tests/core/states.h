/* docs/STATES.md, made from the core's tables. */
#pragma once

#include <stdio.h>

/* Writes the whole document. */
void states_print(FILE *file);
