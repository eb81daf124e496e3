/* SPDX-License-Identifier: MIT
 *
 * The UDP side: pings as a server sees them, packets as they are counted.
 */
#include "deadline.h"
#include "stream.h"

#include <arpa/inet.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PATIENCE_US (5 * G_USEC_PER_SEC)
#define VIDEO_PAYLOAD "0123456789abcdef"
#define AUDIO_PAYLOAD "fedcba9876543210"

typedef struct {
  int fd;
  guint16 port;
  struct sockaddr_in client;
} Peer;

static void
open_peer (Peer *peer)
{
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr = { htonl (INADDR_LOOPBACK) } };
  socklen_t length = sizeof address;

  peer->fd = socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  g_assert_cmpint (bind (peer->fd, (struct sockaddr *) &address, length), ==, 0);
  getsockname (peer->fd, (struct sockaddr *) &address, &length);
  peer->port = ntohs (address.sin_port);
}

/* The next ping, as bytes; remembers who sent it. FALSE if none comes within @patience. */
static gboolean
next_ping (Peer *peer, gint64 patience, char ping[64], gssize *size)
{
  struct pollfd entry = { .fd = peer->fd, .events = POLLIN };
  socklen_t length = sizeof peer->client;

  if (poll (&entry, 1, (int) (patience / 1000)) != 1)
    return FALSE;
  *size = recvfrom (peer->fd, ping, 64, 0, (struct sockaddr *) &peer->client, &length);
  return TRUE;
}

static void
expect_ping (Peer *peer, const char *payload, guint32 sequence)
{
  guint32 number;
  char ping[64];
  gssize size;

  g_assert_true (next_ping (peer, PATIENCE_US, ping, &size));
  g_assert_cmpint (size, ==, 20);
  g_assert_cmpint (memcmp (ping, payload, 16), ==, 0);
  memcpy (&number, ping + 16, sizeof number);
  g_assert_cmpuint (ntohl (number), ==, sequence);
}

static void
say (const Peer *peer, guint count)
{
  for (guint i = 0; i < count; i++)
    g_assert_cmpint (sendto (peer->fd, "packet", 6, 0, (const struct sockaddr *) &peer->client,
                         sizeof peer->client),
        ==, 6);
}

static void
test_stream (void)
{
  gint64 deadline = probe_deadline_in (PATIENCE_US);
  g_autoptr (GError) error = NULL;
  ProbeStreamCounts counts;
  ProbeStream *stream;
  Peer video = { 0 };
  Peer audio = { 0 };
  char ping[64];
  gssize size;

  open_peer (&video);
  open_peer (&audio);
  stream =
      probe_stream_new ("127.0.0.1", video.port, VIDEO_PAYLOAD, audio.port, AUDIO_PAYLOAD, &error);
  g_assert_no_error (error);
  for (guint32 sequence = 1; sequence <= 2; sequence++) {
    expect_ping (&video, VIDEO_PAYLOAD, sequence);
    expect_ping (&audio, AUDIO_PAYLOAD, sequence);
  }

  /* Nothing came yet; then audio alone does not count as video. */
  probe_stream_get_counts (stream, &counts);
  g_assert_cmpuint (counts.video_packets, ==, 0);
  g_assert_cmpfloat (counts.first_video_ms, ==, -1);
  say (&audio, 3);
  g_assert_false (probe_stream_wait_first (stream, probe_deadline_in (100 * PROBE_US_PER_MS)));
  say (&video, 5);
  g_assert_true (probe_stream_wait_first (stream, deadline));
  do {
    probe_stream_get_counts (stream, &counts);
  } while (
      (counts.video_packets < 5 || counts.audio_packets < 3) && !probe_deadline_passed (deadline));
  g_assert_cmpuint (counts.video_packets, ==, 5);
  g_assert_cmpuint (counts.video_bytes, ==, 30);
  g_assert_cmpuint (counts.audio_packets, ==, 3);
  g_assert_cmpfloat (counts.first_video_ms, >=, 0);

  /* One may be on its way; after that, no more, for longer than the time between two. */
  probe_stream_stop_pings (stream);
  while (next_ping (&video, 0, ping, &size))
    continue;
  g_assert_false (next_ping (&video, 2 * PROBE_STREAM_PING_MS * PROBE_US_PER_MS, ping, &size));
  say (&video, 1);
  do {
    probe_stream_get_counts (stream, &counts);
  } while (counts.video_packets < 6 && !probe_deadline_passed (deadline));
  g_assert_cmpuint (counts.video_packets, ==, 6);

  probe_stream_free (stream);
  close (video.fd);
  close (audio.fd);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/stream/pings-and-counts", test_stream);
  return g_test_run ();
}
