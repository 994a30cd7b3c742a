/* Fixtures, and the documents of this repository, as text. */
#pragma once

#include <stdio.h>
#include <stdlib.h>

/* A whole file; the caller's. */
static inline char *read_file(const char *path)
{
    FILE *file = fopen(path, "re");
    size_t size = 0, n;
    char *text = malloc(1 << 20);

    if (!file || !text) {
        (void)fprintf(stderr, "%s can't be read\n", path);
        abort();
    }
    while ((n = fread(text + size, 1, (1 << 20) - 1 - size, file)) > 0)
        size += n;
    (void)fclose(file);
    text[size] = 0;
    return text;
}

static inline char *read_document(const char *name)
{
    char path[4096];

    (void)snprintf(path, sizeof(path), "%s/../../../docs/%s", TEST_FIXTURES, name);
    return read_file(path);
}
