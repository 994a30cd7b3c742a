/* Lines written by hand with a right checksum, which is computed here bit by bit: not by the code
 * under test. And documents of this repository as text. */
#pragma once

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The CRC-32C of RFC 3720; "123456789" has e3069283. */
static inline uint32_t seal_checksum(const char *data, size_t size)
{
    uint32_t crc = UINT32_MAX;

    for (size_t i = 0; i < size; i++) {
        crc ^= (unsigned char)data[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc & 1 ? crc >> 1 ^ 0x82f63b78u : crc >> 1;
    }
    return ~crc;
}

/* `body`, an object's text, with "crc" and "\n". The caller's. */
static inline char *seal(const char *body)
{
    size_t size = strlen(body) - 1;
    char *line = malloc(size + 64);

    if (!line)
        abort();
    (void)sprintf(line, "%.*s,\"crc\":\"%08x\"}\n", (int)size, body,
                  seal_checksum(body, size));
    return line;
}

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
