/* SPDX-License-Identifier: MIT */
#include "settings.h"

#include <string.h>
#include <wolf-guard/log.h>

static int warnings;
static char *last;

static void
on_log (WgLogLevel level, const char *line)
{
  warnings += level == WG_LOG_WARNING;
  g_free (last);
  last = g_strdup (line);
}

/* Bad values: the default, and one warning that names the setting, the value and what was
 * expected. */
static void
test_bad (void)
{
  static const char *const bad[] = { "", " ", "x", "0", "-1", "12x", "601", "1e2",
    "99999999999999999999", "0x10" };

  wg_log_set_func (on_log);
  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_autofree char *quoted = g_strdup_printf ("\"%s\"", bad[i]);

    warnings = 0;
    g_assert_cmpuint (wg_settings_parse ("WOLF_GUARD_TEST", bad[i], 1, 600, 42), ==, 42);
    g_assert_cmpint (warnings, ==, 1);
    g_assert_nonnull (strstr (last, "WOLF_GUARD_TEST"));
    g_assert_nonnull (strstr (last, quoted));
    g_assert_nonnull (strstr (last, "42"));
  }
  wg_log_set_func (NULL);
}

static void
test_good (void)
{
  warnings = 0;
  wg_log_set_func (on_log);
  g_assert_cmpuint (wg_settings_parse ("N", NULL, 1, 600, 42), ==, 42);
  g_assert_cmpuint (wg_settings_parse ("N", "1", 1, 600, 42), ==, 1);
  g_assert_cmpuint (wg_settings_parse ("N", "600", 1, 600, 42), ==, 600);
  g_assert_cmpint (warnings, ==, 0);
  wg_log_set_func (NULL);
}

static void
test_environment (void)
{
  if (g_test_subprocess ()) {
    g_setenv ("WOLF_GUARD_EOS_MS", "150", TRUE);
    g_setenv ("WOLF_GUARD_NULL_MS", "soon", TRUE);
    g_unsetenv ("WOLF_GUARD_QUARANTINE_MAX");
    g_assert_cmpuint (wg_settings ()->eos_ms, ==, 150);
    g_assert_cmpuint (wg_settings ()->null_ms, ==, 3000);
    g_assert_cmpuint (wg_settings ()->quarantine_max, ==, 32);
    wg_settings (); /* no second warning */
    return;
  }
  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_passed ();
  g_test_trap_assert_stderr ("*WOLF_GUARD_NULL_MS*soon*");
  g_test_trap_assert_stderr_unmatched ("*soon*soon*");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/settings/bad", test_bad);
  g_test_add_func ("/settings/good", test_good);
  g_test_add_func ("/settings/environment", test_environment);
  return g_test_run ();
}
