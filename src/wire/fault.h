/* Why an input was not taken, in words: the text that goes beside a decoder's positive return.
 *
 * A fault is a plain buffer in the caller's memory, so that saying what is wrong can't itself
 * fail. What comes from outside is cut to the buffer and made printable, for it ends in logs.
 */
#pragma once

struct fault {
    char text[200];
};

/* Overwrites `ret_fault` (NULL: nobody asks) with a sentence without a full stop. Bytes that
 * are not printable ASCII become "?". */
void fault_say(struct fault *ret_fault, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
