/* One line of the state journal: private to this room.
 *
 *     {"seq":7,"time":"…","boot":"…", … ,"crc":"1b2c3d4e"}\n
 *
 * "crc" is always the last member and always written in these 18 bytes: the CRC-32C of all
 * bytes of the line before `,"crc"`, in eight lower-case hexadecimal digits. So it can be
 * checked before a byte of the rest is believed, and no other spelling of the same line passes.
 */
#pragma once

#include "wire/history.h"
#include "wire/record.h"
#include "wire/tree.h"

/* A new object with the members of `stamp`; NULL: out of memory. */
json_t *line_begin(const struct record_stamp *stamp);

/* `object` as a line, with checksum and "\n"; *ret_line is the caller's. Returns 0 or -ENOMEM.
 */
MUST_CHECK int line_seal(const json_t *object, char **ret_line);

/* Whether the checksum of the line (without "\n") is there and right. */
bool line_is_sealed(const char *line, size_t size);

/* Checks and reads a line (without "\n"). *ret_object is the caller's reference. Returns 0,
 * -ENOMEM, or 1 with the reason in `ret_fault`. */
MUST_CHECK int line_open(const char *line, size_t size, json_t **ret_object,
                         struct record_stamp *ret_stamp, struct fault *ret_fault);

/* What a line holds after its seal and stamp: of a record, and of a history line. The members
 * of *ret_… are as record_decode() and history_decode() give them. Return 0, -ENOMEM or 1. */
MUST_CHECK int line_to_record(const json_t *object, struct record *ret_record,
                              char **ret_spec_text, struct fault *ret_fault);
MUST_CHECK int line_to_history(const json_t *object, struct history_entry *ret_entry,
                               struct fault *ret_fault);

/* Whether it is a history line and not a record. */
bool line_is_history(const json_t *object);
