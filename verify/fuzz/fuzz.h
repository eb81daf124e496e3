/* SPDX-License-Identifier: MIT
 *
 * What every fuzz target defines: one function that is given any bytes. libFuzzer calls it, or
 * replay.c with the files of a corpus. It may not crash, hang, leak or read past the bytes.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);
