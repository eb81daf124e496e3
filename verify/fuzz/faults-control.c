/* SPDX-License-Identifier: MIT
 *
 * The orders of the fault injection, up to where they are obeyed.
 */
#include "control.c" /* its parsers are its own */
#include "fuzz.h"

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autofree gchar *line = g_strndup ((const gchar *) data, size);
  g_auto (GStrv) words = NULL;
  g_auto (Order) order = { 0 };
  g_autoptr (GError) error = NULL;

  if (g_shell_parse_argv (line, NULL, &words, NULL) && !order_parse (&order, words + 1, &error))
    g_assert_nonnull (error);
  return 0;
}
