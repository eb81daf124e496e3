/* SPDX-License-Identifier: MIT
 *
 * Answers taken apart: HTTP over a socket pair, RTSP as text.
 */
#include "deadline.h"
#include "http.h"
#include "rtsp.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define TIMEOUT_US (300 * 1000)

/* Lets a peer say @text, and then close or stay; reads it as an answer. */
static gboolean
receive (const char *text, gboolean peer_closes, ProbeHttpResponse *response, GError **error)
{
  g_autoptr (ProbeConn) conn = NULL;
  gboolean ok;
  int pair[2];

  g_assert_cmpint (
      socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), ==, 0);
  g_assert_cmpint (write (pair[1], text, strlen (text)), ==, (gssize) strlen (text));
  if (peer_closes)
    close (pair[1]);
  conn = probe_conn_new_for_fd (pair[0], probe_deadline_in (TIMEOUT_US));
  ok = probe_http_receive (conn, response, error);
  if (!peer_closes)
    close (pair[1]);
  return ok;
}

static void
assert_answer (
    const char *text, gboolean peer_closes, int status, const char *body, gboolean keep_alive)
{
  g_autoptr (GError) error = NULL;
  g_auto (ProbeHttpResponse) response = { 0 };

  receive (text, peer_closes, &response, &error);
  g_assert_no_error (error);
  g_assert_cmpint (response.status, ==, status);
  g_assert_cmpstr (response.body, ==, body);
  g_assert_cmpint (response.keep_alive, ==, keep_alive);
}

static void
assert_failure (const char *text, gboolean peer_closes, ProbeErrorCode code)
{
  g_autoptr (GError) error = NULL;
  g_auto (ProbeHttpResponse) response = { 0 };

  g_assert_false (receive (text, peer_closes, &response, &error));
  g_assert_error (error, PROBE_ERROR, (gint) code);
  g_assert_null (response.body);
}

static void
test_bodies (void)
{
  assert_answer ("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabcXX", FALSE, 200, "abc", TRUE);
  assert_answer (
      "HTTP/1.1 401 No\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", FALSE, 401, "", FALSE);
  assert_answer (
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA\r\n0123456789\r\n"
      "0\r\n\r\n",
      FALSE, 200, "abc0123456789", TRUE);
  assert_answer ("HTTP/1.0 200 OK\r\n\r\nto the end", TRUE, 200, "to the end", FALSE);
}

static void
test_failures (void)
{
  assert_failure ("", TRUE, PROBE_ERROR_CLOSED);
  assert_failure ("", FALSE, PROBE_ERROR_TIMEOUT);
  assert_failure ("SSH-2.0-OpenSSH\r\n", FALSE, PROBE_ERROR_PROTOCOL);
  assert_failure ("HTTP/1.1 abc\r\n\r\n", FALSE, PROBE_ERROR_PROTOCOL);
  assert_failure ("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", TRUE, PROBE_ERROR_CLOSED);
  assert_failure ("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", FALSE, PROBE_ERROR_TIMEOUT);
  assert_failure (
      "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n", FALSE, PROBE_ERROR_PROTOCOL);
  assert_failure (
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", FALSE, PROBE_ERROR_PROTOCOL);
  assert_failure ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
      FALSE, PROBE_ERROR_PROTOCOL);
}

static void
test_rtsp (void)
{
  g_auto (ProbeRtspReply) reply = { 0 };
  g_autoptr (GError) error = NULL;

  probe_rtsp_reply_parse ("RTSP/1.0 200 OK\r\nCSeq: 3\r\nTransport: server_port=48100\r\n"
                          "X-SS-Ping-Payload: a:b=c;~!@#$%^&*(\r\n\r\nbody",
      &reply, &error);
  g_assert_no_error (error);
  g_assert_cmpint (reply.status, ==, 200);
  g_assert_cmpuint (probe_rtsp_reply_server_port (&reply), ==, 48100);
  g_assert_cmpstr (probe_rtsp_reply_header (&reply, "x-ss-ping-payload"), ==, "a:b=c;~!@#$%^&*(");
  g_assert_cmpstr (reply.body, ==, "body");
}

static void
test_rtsp_failures (void)
{
  static const char *const texts[] = { "HTTP/1.1 200 OK\r\n\r\n",
    "RTSP/1.0 200 OK\r\nCSeq: 1\r\n" };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++) {
    g_auto (ProbeRtspReply) reply = { 0 };
    g_autoptr (GError) error = NULL;

    g_assert_false (probe_rtsp_reply_parse (texts[i], &reply, &error));
    g_assert_error (error, PROBE_ERROR, PROBE_ERROR_PROTOCOL);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/http/bodies", test_bodies);
  g_test_add_func ("/http/failures", test_failures);
  g_test_add_func ("/rtsp/answer", test_rtsp);
  g_test_add_func ("/rtsp/failures", test_rtsp_failures);
  return g_test_run ();
}
