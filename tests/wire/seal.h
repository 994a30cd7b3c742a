/* Lines written by hand with a right checksum, which is computed here bit by bit: not by the
 * code under test. */
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
    (void)sprintf(line, "%.*s,\"crc\":\"%08x\"}\n", (int)size, body, seal_checksum(body, size));
    return line;
}
