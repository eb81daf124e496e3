/* SPDX-License-Identifier: MIT
 *
 * The document's form, and what is said to be wrong, from facts that the test makes up.
 */
#include "health-support.h"

#include "../src/clock.h"
#include "../src/health-private.h"

#include <string.h>

static WgHealthFacts facts;
static WgVerdict verdict;
static char text[WG_HEALTH_DOCUMENT_MAX];

static void
begin (void)
{
  memset (&facts, 0, sizeof facts);
  facts.now = wg_clock_now ();
  facts.watch_now = facts.now;
  facts.fds = 10;
  facts.fds_max = 1000;
  facts.quarantine.max = 32;
}

/* Seconds go by, a look each second as the health thread does. */
static void
judge_after (guint s)
{
  for (guint i = 0; i < s; i++) {
    clock_advance_ms (1000);
    facts.now = wg_clock_now ();
    facts.watch_now += G_USEC_PER_SEC;
    wg_health_judge (&facts, &verdict);
  }
}

static JsonObject *
write_document (gboolean whole)
{
  WgHealthSelf self = { .version = "wolf \"1\"", .started = facts.now - 90 * G_USEC_PER_SEC };
  gsize length = wg_health_write (&facts, &verdict, &self, text);

  g_assert_cmpuint (length, ==, strlen (text));
  return health_parse (text, whole);
}

/* --- the form */

/* A name of the largest size, and the worst to write down: all of it is escaped, the end is half a
 * character. */
static void
fill (char *name, gsize size)
{
  memset (name, '"', size - 2);
  name[0] = '\n';
  name[size - 2] = '\xc3';
  name[size - 1] = 0;
}

static void
fill_all (void)
{
  static char operation[400];

  memset (operation, '\\', sizeof operation - 1);
  facts.watch.count = WG_WATCH_SLOTS;
  for (guint i = 0; i < WG_WATCH_SLOTS; i++)
    facts.threads[i] =
        (WgWatchThread){ .tid = G_MAXINT, .depth = 1, .operations = { operation }, .since = 1 };
  for (guint i = 0; i < WG_HEALTH_THREADS; i++)
    fill (facts.names[i], sizeof facts.names[i]);
  facts.beat_counts = (WgBeatCounts){ .count = WG_BEATS, .refused = G_MAXUINT64 };
  for (guint i = 0; i < WG_BEATS; i++) {
    facts.beats[i] = (WgBeatBook){ .tid = G_MAXINT, .where = operation, .age = G_MAXINT64 };
    fill (facts.beats[i].name, WG_BOOK_TEXT);
  }
  facts.pipeline_counts = (WgPipelineCounts){ WG_HEALTH_PIPELINES, G_MAXUINT - 100, 10, 20 };
  for (guint i = 0; i < WG_HEALTH_PIPELINES; i++) {
    fill (facts.pipelines[i].name, WG_BOOK_TEXT);
    fill (facts.pipelines[i].session, WG_BOOK_TEXT);
    fill (facts.pipelines[i].call, WG_BOOK_TEXT);
  }
  facts.dispatch.queues = WG_HEALTH_QUEUES;
  facts.dispatch.tasks = WG_HEALTH_TASKS;
  for (guint i = 0; i < WG_HEALTH_QUEUES; i++)
    fill (facts.queues[i].name, WG_BOOK_TEXT);
  for (guint i = 0; i < WG_HEALTH_TASKS; i++) {
    fill (facts.tasks[i].what, WG_BOOK_TEXT);
    fill (facts.tasks[i].queue, WG_BOOK_TEXT);
  }
  facts.lock_count = WG_HEALTH_LOCKS;
  for (guint i = 0; i < WG_HEALTH_LOCKS; i++) {
    facts.lock_names[i] = operation;
    memset (&facts.locks[i], 0xff, sizeof facts.locks[i]);
  }
  verdict = (WgVerdict){ WG_HEALTH_FAILING, .count = WG_HEALTH_REASONS };
  for (guint i = 0; i < WG_HEALTH_REASONS; i++) {
    verdict.reasons[i] = (WgReason){ "code", WG_HEALTH_FAILING, .since = facts.now };
    fill (verdict.reasons[i].text, sizeof verdict.reasons[i].text);
  }
}

/* Everything at its largest fits, and every field of the page is there. */
static void
test_largest (void)
{
  g_autoptr (JsonObject) document = NULL;
  JsonObject *threads;

  begin ();
  fill_all ();
  document = write_document (TRUE);
  threads = json_object_get_object_member (document, "threads");
  g_assert_cmpint (
      json_object_get_int_member (threads, "left_out"), ==, WG_WATCH_SLOTS - WG_HEALTH_THREADS);
  g_assert_cmpstr (json_object_get_string_member (document, "version"), ==, "wolf \"1\"");
  g_assert_cmpstr (json_object_get_string_member (document, "status"), ==, "failing");
}

/* Parts that could not be read are null. */
static void
test_missing (void)
{
  static const char *const parts[] = { "loops", "canary", "pipelines", "quarantine", "dispatcher" };
  g_autoptr (JsonObject) document = NULL;

  begin ();
  facts.missing = WG_BOOK_WATCH | WG_BOOK_PIPELINES | WG_BOOK_QUARANTINE | WG_BOOK_DISPATCH
      | WG_BOOK_THREADS | WG_BOOK_BEATS | WG_BOOK_CANARY;
  judge_after (1);
  document = write_document (FALSE);
  for (guint i = 0; i < G_N_ELEMENTS (parts); i++)
    g_assert_true (json_object_get_null_member (document, parts[i]));
  g_assert_nonnull (health_reason (document, "books"));
  g_assert_cmpstr (json_object_get_string_member (document, "status"), ==, "degraded");
}

/* What does not fit is a document all the same. */
static void
test_overflow (void)
{
  char small[16];
  WgJson json = { .text = small, .size = sizeof small };

  wg_json_open (&json, NULL, '[');
  wg_json_text (&json, NULL, "abcdefghijklmnop");
  wg_json_close (&json, ']');
  g_assert_true (json.overflow);
  g_assert_cmpuint (json.length, <, sizeof small);
}

/* --- what is wrong */

static void
thread_is (const char *name, WgWatchLevel level, guint age_s)
{
  facts.watch.count = 1;
  facts.threads[0] = (WgWatchThread){ .tid = 7,
    .depth = 1,
    .operations = { "POST /pair" },
    .since = facts.watch_now - (gint64) age_s * G_USEC_PER_SEC,
    .level = level };
  g_strlcpy (facts.names[0], name, sizeof facts.names[0]);
}

static void
assert_only (WgHealthLevel level, const char *code)
{
  g_assert_cmpint (verdict.level, ==, level);
  g_assert_cmpuint (verdict.count, ==, code != NULL);
  if (code)
    g_assert_cmpstr (verdict.reasons[0].code, ==, code);
}

static void
test_threads (void)
{
  begin ();
  thread_is ("https", WG_WATCH_SLOW, 2);
  judge_after (1);
  assert_only (WG_HEALTH_OK, NULL);
  thread_is ("https", WG_WATCH_STUCK, 11);
  judge_after (1);
  assert_only (WG_HEALTH_DEGRADED, "threads-stuck");
  g_assert_nonnull (strstr (verdict.reasons[0].text, "thread 7 'https' in POST /pair"));
  g_assert_cmpint (facts.now - verdict.reasons[0].since, ==, 12 * G_USEC_PER_SEC);
  thread_is ("https", WG_WATCH_LOST, 31);
  judge_after (1);
  assert_only (WG_HEALTH_FAILING, "threads-lost");
  thread_is ("wg-worker", WG_WATCH_LOST, 31); /* the quarantine is what counts */
  judge_after (1);
  assert_only (WG_HEALTH_DEGRADED, "threads-stuck");
  facts.watch.count = 0;
  judge_after (1);
  assert_only (WG_HEALTH_OK, NULL);
}

static void
loop_is (WgBeatKind kind, WgWatchLevel level, guint age_s)
{
  facts.beat_counts.count = 1;
  facts.beats[0] = (WgBeatBook){ kind, "RTSP", 8, "its main loop", age_s * G_USEC_PER_SEC, level };
}

/* A loop that is lost serves nobody; a stream is one session's. */
static void
test_loops (void)
{
  begin ();
  loop_is (WG_BEAT_LOOP, WG_WATCH_SLOW, 2);
  judge_after (1);
  assert_only (WG_HEALTH_OK, NULL);
  loop_is (WG_BEAT_LOOP, WG_WATCH_STUCK, 11);
  judge_after (1);
  assert_only (WG_HEALTH_DEGRADED, "loops-stuck");
  g_assert_nonnull (strstr (verdict.reasons[0].text, "'RTSP', thread 8 in its main loop"));
  loop_is (WG_BEAT_LOOP, WG_WATCH_LOST, 31);
  judge_after (1);
  assert_only (WG_HEALTH_FAILING, "loops-lost");
  loop_is (WG_BEAT_STREAM, WG_WATCH_LOST, 31);
  judge_after (1);
  assert_only (WG_HEALTH_DEGRADED, "streams-stuck");
}

/* Nothing new starts: at once, and not as a stuck thread as well. */
static void
test_canary (void)
{
  begin ();
  thread_is ("wg-canary", WG_WATCH_SLOW, 3);
  facts.threads[0].operations[0] = "canary: playing it";
  judge_after (1);
  assert_only (WG_HEALTH_FAILING, "canary");
  g_assert_nonnull (strstr (verdict.reasons[0].text, "in canary: playing it"));
  facts.threads[0].level = WG_WATCH_LOST;
  judge_after (1);
  assert_only (WG_HEALTH_FAILING, "canary");
  facts.watch.count = 0;
  g_strlcpy (facts.canary.why, "no element \"x\"", sizeof facts.canary.why);
  judge_after (1);
  assert_only (WG_HEALTH_FAILING, "canary");
  *facts.canary.why = 0;
  judge_after (1);
  assert_only (WG_HEALTH_OK, NULL);
}

/* Since when: the first look that found it, and anew after it was over. */
static void
test_since (void)
{
  begin ();
  facts.dispatch.status = (WgDispatchStatus){ .lost = 1, .lost_max = 8 };
  judge_after (30);
  assert_only (WG_HEALTH_DEGRADED, "dispatcher");
  g_assert_cmpint (facts.now - verdict.reasons[0].since, ==, 29 * G_USEC_PER_SEC);
  facts.dispatch.status.lost = 0;
  judge_after (1);
  assert_only (WG_HEALTH_OK, NULL);
  facts.dispatch.status.lost = 9;
  facts.dispatch.status.failing = TRUE;
  judge_after (3);
  assert_only (WG_HEALTH_FAILING, "dispatcher-full");
  g_assert_cmpint (facts.now - verdict.reasons[0].since, ==, 2 * G_USEC_PER_SEC);
}

static void
test_quarantine (void)
{
  begin ();
  facts.quarantine.now = 1;
  facts.quarantine.oldest_s = 20;
  facts.pipeline_counts = (WgPipelineCounts){ .count = 1, .kept = 1 };
  facts.pipelines[0] = (WgPipelineBook){ "video", "12", WG_PIPELINE_KEPT, "set_state(NULL)", 1, 1 };
  judge_after (1);
  assert_only (WG_HEALTH_DEGRADED, "quarantine");
  g_assert_nonnull (strstr (verdict.reasons[0].text, "'video' in set_state(NULL)"));
  facts.quarantine.now = 33;
  facts.quarantine.failing = TRUE;
  judge_after (1);
  assert_only (WG_HEALTH_FAILING, "quarantine-full");
}

static void
test_descriptors (void)
{
  begin ();
  facts.fds = 799;
  judge_after (1);
  assert_only (WG_HEALTH_OK, NULL);
  facts.fds = 800;
  judge_after (1);
  assert_only (WG_HEALTH_DEGRADED, "descriptors");
  facts.fds = 1000;
  judge_after (1);
  assert_only (WG_HEALTH_FAILING, "descriptors");
}

/* What has happened is told for a minute. */
static void
test_events (void)
{
  begin ();
  judge_after (1);
  facts.ends.unexpected = 1;
  facts.lock_count = 1;
  facts.locks[0].recovered = 1;
  judge_after (1);
  g_assert_cmpuint (verdict.count, ==, 2);
  g_assert_cmpint (verdict.level, ==, WG_HEALTH_DEGRADED);
  judge_after (WG_HEALTH_RECENT_S - 1);
  g_assert_cmpuint (verdict.count, ==, 2);
  judge_after (1);
  assert_only (WG_HEALTH_OK, NULL);
}

/* The scanner is gone: said after some seconds in which it had the time, not after a pause of the
 * whole machine. */
static void
test_scanner (void)
{
  begin ();
  facts.watch.scanning = TRUE;
  facts.watch.looks = 4711;
  judge_after (1);
  clock_advance_ms (3600 * 1000);
  judge_after (3);
  assert_only (WG_HEALTH_OK, NULL);
  judge_after (3);
  assert_only (WG_HEALTH_DEGRADED, "scanner");
  facts.watch.looks++;
  judge_after (1);
  assert_only (WG_HEALTH_OK, NULL);
}

/* The worst first. */
static void
test_order (void)
{
  begin ();
  facts.quarantine.now = 1;
  facts.quarantine.oldest_s = 500;
  facts.fds = 1000;
  thread_is ("https", WG_WATCH_STUCK, 11);
  judge_after (1);
  g_assert_cmpuint (verdict.count, ==, 3);
  g_assert_cmpstr (verdict.reasons[0].code, ==, "descriptors");
  g_assert_cmpstr (verdict.reasons[1].code, ==, "quarantine");
  g_assert_cmpint (verdict.level, ==, WG_HEALTH_FAILING);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  clock_install ();
  g_test_add_func ("/health/document/largest", test_largest);
  g_test_add_func ("/health/document/missing", test_missing);
  g_test_add_func ("/health/document/overflow", test_overflow);
  g_test_add_func ("/health/judge/threads", test_threads);
  g_test_add_func ("/health/judge/loops", test_loops);
  g_test_add_func ("/health/judge/canary", test_canary);
  g_test_add_func ("/health/judge/since", test_since);
  g_test_add_func ("/health/judge/quarantine", test_quarantine);
  g_test_add_func ("/health/judge/descriptors", test_descriptors);
  g_test_add_func ("/health/judge/events", test_events);
  g_test_add_func ("/health/judge/scanner", test_scanner);
  g_test_add_func ("/health/judge/order", test_order);
  return g_test_run ();
}
