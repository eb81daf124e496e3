/* SPDX-License-Identifier: MIT */
#include "account.h"

#include <string.h>
#include <sys/mman.h>

Account *wgi_account;

gboolean
account_open (void)
{
  void *page =
      mmap (NULL, sizeof (Account), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

  if (page == MAP_FAILED)
    return FALSE;
  wgi_account = page;
  return TRUE;
}

void
account_reset (void)
{
  memset (wgi_account, 0, sizeof (Account));
}

static GLogWriterOutput
count_log (GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer data)
{
  const gboolean critical = (level & (G_LOG_LEVEL_CRITICAL | G_LOG_LEVEL_ERROR)) != 0;
  (void) data;

  if (!critical && !(level & G_LOG_LEVEL_WARNING))
    return G_LOG_WRITER_HANDLED;
  const gint before = g_atomic_int_add (&wgi_account->criticals, critical)
      + g_atomic_int_add (&wgi_account->warnings, !critical);
  for (gsize i = 0; before == 0 && i < n_fields; i++)
    if (strcmp (fields[i].key, "MESSAGE") == 0)
      g_strlcpy (wgi_account->message, fields[i].value, sizeof wgi_account->message);
  return G_LOG_WRITER_HANDLED;
}

void
account_count_logs (void)
{
  g_log_set_writer_func (count_log, NULL, NULL);
}

void
go_to_work (void)
{
  g_atomic_int_set (&wgi_account->at_work, TRUE);
}

void
phase (const gchar *format, ...)
{
  va_list args;

  va_start (args, format);
  g_vsnprintf (wgi_account->phase, sizeof wgi_account->phase, format, args);
  g_atomic_int_inc (&wgi_account->phases);
  va_end (args);
}

/* The sanitizers call these, where there are any. */
void __tsan_on_report (void *report);
void __asan_on_error (void);

void
__tsan_on_report (void *report)
{
  (void) report;
  if (wgi_account != NULL)
    __atomic_fetch_add (&wgi_account->reports, 1, __ATOMIC_RELAXED);
}

void
__asan_on_error (void)
{
  if (wgi_account != NULL)
    __atomic_fetch_add (&wgi_account->reports, 1, __ATOMIC_RELAXED);
}
