/* SPDX-License-Identifier: MIT */
/* test-lab.c: a lab starts, serves, streams and ends, in either preset; and what is planted in it
 * shows. */
#include "lab-process.h"

#include <stdlib.h>

#define SHUTDOWN_LIMIT_MS 20000 /* that it ends at all; sigterm-streaming holds how soon */
#define LOOK_US (20 * 1000)
#define CROWD "20"
#define HEALTH_WORST 1 /* of wolf-probe: answered, but slowly, as a busy machine may be */
/* Sanitizers make exits slow, and have a word to say on exit handlers that run beside threads: that
 * the lab before does so is the point of --shutdown. */
#ifdef LAB_SANITIZED
#define BEFORE "--preset=before", "--shutdown=bounded"
#else
#define BEFORE "--preset=before"
#endif

#define INPUT "06020e000000000a0700000000010001"

static const gchar *
client_id (LabProcess *lab)
{
  g_autoptr (JsonObject) answer = NULL;

  g_assert_cmpint (lab_process_api (lab, "GET", "/api/v1/clients", NULL, &answer), ==, 200);
  JsonArray *clients = json_object_get_array_member (answer, "clients");
  g_assert_cmpuint (json_array_get_length (clients), ==, 1);
  return g_intern_string (
      json_object_get_string_member (json_array_get_object_element (clients, 0), "client_id"));
}

static guint
count_sessions (LabProcess *lab)
{
  g_autoptr (JsonObject) answer = NULL;

  g_assert_cmpint (lab_process_api (lab, "GET", "/api/v1/sessions", NULL, &answer), ==, 200);
  return json_array_get_length (json_object_get_array_member (answer, "sessions"));
}

static void
await_children (LabProcess *lab, guint count)
{
  const gint64 until = g_get_monotonic_time () + LAB_SOON_MS * G_TIME_SPAN_MILLISECOND;

  while (lab_process_children (lab) != count) {
    g_assert_cmpint (g_get_monotonic_time (), <, until);
    g_usleep (LOOK_US); /* no one tells */
  }
}

static void
assert_streams (LabProcess *lab)
{
  gint status;
  g_autoptr (JsonObject) packets =
      lab_process_probe (lab, FALSE, "packets", &status, "session", "--seconds=1", NULL);

  g_assert_cmpint (status, ==, 0);
  g_assert_nonnull (packets);
  g_assert_cmpint (json_object_get_int_member (packets, "video_total"), >, 0);
  g_assert_cmpint (json_object_get_int_member (packets, "audio_total"), >, 0);
}

static void
assert_ends (LabProcess *lab)
{
  gdouble took;

  g_assert_cmpint (lab_process_end (lab, &took), ==, 0);
  g_test_message ("ended after %.0f ms", took);
#ifndef LAB_SANITIZED
  g_assert_cmpfloat (took, <=, SHUTDOWN_LIMIT_MS);
#endif
}

/* A session from launch to cancel, its program, and another of the same id. */
static void
check_session (LabProcess *lab)
{
  gint status;
  g_autoptr (JsonObject) health = lab_process_probe (lab, FALSE, "health", &status, "health", NULL);

  g_assert_nonnull (health);
  g_assert_cmpint (status, <=, HEALTH_WORST);
  assert_streams (lab);
  g_assert_cmpuint (count_sessions (lab), ==, 0);
  await_children (lab, 0);
  assert_streams (lab);
  assert_ends (lab);
}

static void
test_after (void)
{
  g_autoptr (LabProcess) lab = lab_process_start ("--preset=after", NULL);

  check_session (lab);
}

static void
test_before (void)
{
  g_autoptr (LabProcess) lab = lab_process_start (BEFORE, NULL);

  check_session (lab);
}

static void
test_relayed (void)
{
  g_autoptr (LabProcess) lab = lab_process_start ("--audio=relayed", NULL);

  assert_streams (lab);
  assert_ends (lab);
}

/* Ended while it streams, with its program running. */
static void
test_sigterm_streaming (void)
{
  g_autoptr (LabProcess) lab = lab_process_start ("--preset=after", NULL);
  gint status;
  g_autoptr (JsonObject) ping = lab_process_probe (
      lab, FALSE, "ping", &status, "session", "--seconds=0", "--no-cancel", NULL);

  g_assert_nonnull (ping);
  g_assert_true (json_object_get_boolean_member (ping, "ok"));
  await_children (lab, 1);
  assert_ends (lab);
}

/* A client that comes back after a pause streams again, with the program that ran. */
static void
test_resume (void)
{
  g_autoptr (LabProcess) lab = lab_process_start ("--preset=after", NULL);
  g_autofree gchar *id = g_strdup_printf ("{\"session_id\":\"%s\"}", client_id (lab));
  gint status;
  g_autoptr (JsonObject) first =
      lab_process_probe (lab, FALSE, "ping", NULL, "session", "--seconds=0", "--no-cancel", NULL);

  g_assert_nonnull (first);
  await_children (lab, 1);
  g_assert_cmpint (lab_process_api (lab, "POST", "/api/v1/sessions/pause", id, NULL), ==, 200);
  g_autoptr (JsonObject) packets = lab_process_probe (
      lab, FALSE, "packets", &status, "session", "--resume", "--seconds=1", NULL);
  g_assert_cmpint (status, ==, 0);
  g_assert_cmpint (json_object_get_int_member (packets, "video_total"), >, 0);
  g_assert_cmpint (json_object_get_int_member (packets, "audio_total"), >, 0);
  g_assert_cmpuint (count_sessions (lab), ==, 0);
  await_children (lab, 0);
}

static void
test_strangers (void)
{
  g_autoptr (LabProcess) lab = lab_process_start ("--preset=after", NULL);
  gint status;
  g_autoptr (JsonObject) launch = lab_process_probe (lab, TRUE, "launch", &status, "session", NULL);

  g_assert_cmpint (status, !=, 0);
  g_assert_nonnull (launch);
  g_assert_cmpint (json_object_get_int_member (launch, "status"), ==, 401);
  g_assert_cmpuint (count_sessions (lab), ==, 0);
}

static gchar *
add_body (const gchar *id)
{
  return g_strdup_printf ("{\"app_id\":\"1\",\"client_id\":\"%s\",\"client_ip\":\"127.0.0.1\","
                          "\"aes_key\":\"00\",\"aes_iv\":\"1\",\"rtsp_fake_ip\":\"10.1.2.3\","
                          "\"video_width\":320,\"video_height\":180,\"video_refresh_rate\":30,"
                          "\"audio_channel_count\":2}",
      id);
}

static void
test_api (void)
{
  g_autoptr (LabProcess) lab = lab_process_start ("--preset=after", NULL);
  const gchar *id = client_id (lab);
  g_autofree gchar *add = add_body (id);
  g_autofree gchar *stop = g_strdup_printf ("{\"session_id\":\"%s\"}", id);
  g_autofree gchar *input =
      g_strdup_printf ("{\"session_id\":\"%s\",\"input_packet_hex\":\"" INPUT "\"}", id);
  g_autoptr (JsonObject) added = NULL;

  g_assert_cmpint (lab_process_api (lab, "POST", "/api/v1/sessions/add", add, &added), ==, 200);
  g_assert_cmpstr (json_object_get_string_member (added, "session_id"), ==, id);
  g_assert_cmpuint (count_sessions (lab), ==, 1);
  g_assert_cmpint (lab_process_api (lab, "POST", "/api/v1/sessions/input", input, NULL), ==, 200);
  await_children (lab, 1);
  g_assert_cmpint (lab_process_api (lab, "POST", "/api/v1/sessions/pause", stop, NULL), ==, 200);
  g_assert_cmpuint (count_sessions (lab), ==, 1);
  g_assert_cmpint (lab_process_api (lab, "POST", "/api/v1/sessions/stop", stop, NULL), ==, 200);
  g_assert_cmpuint (count_sessions (lab), ==, 0);
  await_children (lab, 0);
}

static void
test_api_refusals (void)
{
  static const struct {
    const gchar *path, *body;
  } bad[] = {
    { "/api/v1/sessions/stop", "{\"session_id\":\"1\"}" },
    { "/api/v1/sessions/stop", "{\"session_id\":[]}" },
    { "/api/v1/sessions/stop", "{}" },
    { "/api/v1/sessions/stop", "[]" },
    { "/api/v1/sessions/stop", "no JSON" },
    { "/api/v1/sessions/add", "{\"app_id\":\"1\"}" },
    { "/api/v1/sessions/add", "{\"app_id\":1}" },
    { "/api/v1/sessions/input", "{\"session_id\":\"1\",\"input_packet_hex\":\"0\"}" },
  };
  g_autoptr (LabProcess) lab = lab_process_start ("--preset=after", NULL);
  g_autofree gchar *add = add_body (client_id (lab));
  g_autofree gchar *odd =
      g_strdup_printf ("{\"session_id\":\"%s\",\"input_packet_hex\":\"0602x\"}", client_id (lab));

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_autoptr (JsonObject) answer = NULL;
    g_assert_cmpint (lab_process_api (lab, "POST", bad[i].path, bad[i].body, &answer), ==, 500);
    g_assert_false (json_object_get_boolean_member (answer, "success"));
    g_assert_true (json_object_has_member (answer, "error"));
  }
  g_assert_cmpint (lab_process_api (lab, "GET", "/api/v1/nothing", NULL, NULL), ==, 404);
  g_assert_cmpint (lab_process_api (lab, "POST", "/api/v1/sessions/add", add, NULL), ==, 200);
  g_assert_cmpint (lab_process_api (lab, "POST", "/api/v1/sessions/input", odd, NULL), ==, 500);
}

/* How many of a crowd that connects and leaves stay in CLOSE_WAIT. */
static gint64
left_behind (const gchar *on_error, const gchar *plant)
{
  g_autoptr (LabProcess) lab = lab_process_start (on_error, plant, NULL);
  g_autoptr (JsonObject) verdict = lab_process_probe (lab, FALSE, "verdict", NULL, "abuse",
      "--kind=connect-fin", "--count=" CROWD, "--at=0,2", NULL);

  g_assert_nonnull (verdict);
  return json_object_get_int_member (verdict, "close_wait");
}

/* A check that looks for CLOSE_WAIT must find the leak that is planted, and nothing else. */
static void
test_plant (void)
{
  g_assert_cmpint (left_behind ("--on-error=keep", "--plant=nothing"), ==, 0);
  g_assert_cmpint (left_behind ("--on-error=close", "--plant=reference-leak"), ==, 0);
  g_assert_cmpint (left_behind ("--on-error=keep", "--plant=reference-leak"), >=, atoi (CROWD));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/lab/after", test_after);
  g_test_add_func ("/lab/before", test_before);
  g_test_add_func ("/lab/relayed", test_relayed);
  g_test_add_func ("/lab/sigterm-streaming", test_sigterm_streaming);
  g_test_add_func ("/lab/resume", test_resume);
  g_test_add_func ("/lab/strangers", test_strangers);
  g_test_add_func ("/lab/api", test_api);
  g_test_add_func ("/lab/api/refusals", test_api_refusals);
  g_test_add_func ("/lab/plant", test_plant);
  return g_test_run ();
}
