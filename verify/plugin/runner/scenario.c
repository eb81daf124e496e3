/* SPDX-License-Identifier: MIT */
/* The judgements of verify/report/result in a scenario's words. */
#include "scenario.h"

void
promise (Result *result, gboolean held, const gchar *what)
{
  expect_fault (result, !held, what);
  expect_held (result, held, what);
}

void
holds (Result *result, gboolean held, const gchar *what)
{
  expect_held (result, held, what);
}

void
must (Result *result, gboolean so, const gchar *what)
{
  expect_both (result, so, what);
}

void
result_add_account (Result *result)
{
  const gint criticals = g_atomic_int_get (&wgi_account->criticals);
  const gint warnings = g_atomic_int_get (&wgi_account->warnings);
  const gint reports = g_atomic_int_get (&wgi_account->reports);

  result_int (result, "criticals", criticals);
  result_int (result, "warnings", warnings);
  if (reports > 0)
    result_int (result, "sanitizer_reports", reports);
  if (criticals + warnings > 0)
    result_text (result, "message", wgi_account->message);
  holds (result, criticals + warnings == 0, "GLib has no complaint");
  holds (result, reports == 0, "the sanitizer has no complaint");
}
