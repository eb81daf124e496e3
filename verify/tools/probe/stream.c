/* SPDX-License-Identifier: MIT */
#include "stream.h"

#include "conn.h"
#include "deadline.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PACKET_MAX 2048 /* above any MTU that Wolf's packets are cut to */
#define RECEIVE_BUFFER                                                                             \
  (4 * 1024 * 1024) /* a key frame comes in one burst; what is dropped here looks like loss */

enum { VIDEO, AUDIO, CHANNELS };

typedef struct {
  int fd;
  char payload[PROBE_PING_PAYLOAD_SIZE];
  guint64 packets; /* from here on under the stream's mutex */
  guint64 bytes;
  double first_ms;
} Channel;

struct _ProbeStream {
  Channel channels[CHANNELS];
  int wake_fd; /* eventfd: flags changed */
  gint64 start;
  GThread *thread;
  /* Held for some instructions at a time, never across a call that waits. POSIX's and not GLib's,
   * because ThreadSanitizer does not know GMutex. */
  pthread_mutex_t mutex;
  pthread_cond_t arrived; /* on the monotonic clock */
  gboolean pinging;
  gboolean ending;
};

/* What a Moonlight client sends: the payload and a counter in network order. */
static void
send_ping (const Channel *channel, guint32 sequence)
{
  struct {
    char payload[PROBE_PING_PAYLOAD_SIZE];
    guint32 sequence;
  } ping;

  memcpy (ping.payload, channel->payload, sizeof ping.payload);
  ping.sequence = htonl (sequence);
  /* A ping that is lost, or answered by ICMP because nobody listens, is followed by the next. */
  (void) !send (channel->fd, &ping, sizeof ping, MSG_NOSIGNAL);
}

/* Takes everything that has arrived. */
static void
receive_packets (ProbeStream *stream, Channel *channel)
{
  char packet[PACKET_MAX];
  guint64 packets = 0;
  guint64 bytes = 0;
  gssize size;

  while ((size = recv (channel->fd, packet, sizeof packet, 0)) >= 0 || errno == ECONNREFUSED) {
    if (size < 0)
      continue;
    packets++;
    bytes += (guint64) size;
  }
  if (packets == 0)
    return;
  pthread_mutex_lock (&stream->mutex);
  if (channel->packets == 0) {
    channel->first_ms = probe_ms_since (stream->start);
    pthread_cond_broadcast (&stream->arrived);
  }
  channel->packets += packets;
  channel->bytes += bytes;
  pthread_mutex_unlock (&stream->mutex);
}

static gpointer
run (gpointer data)
{
  ProbeStream *stream = data;
  gint64 next_ping = g_get_monotonic_time ();
  guint32 sequence = 0;

  for (;;) {
    struct pollfd entries[CHANNELS + 1] = {
      [VIDEO] = { .fd = stream->channels[VIDEO].fd, .events = POLLIN },
      [AUDIO] = { .fd = stream->channels[AUDIO].fd, .events = POLLIN },
      [CHANNELS] = { .fd = stream->wake_fd, .events = POLLIN },
    };
    gboolean pinging;
    gboolean ending;
    guint64 ignored;

    pthread_mutex_lock (&stream->mutex);
    pinging = stream->pinging;
    ending = stream->ending;
    pthread_mutex_unlock (&stream->mutex);
    if (ending)
      return NULL;
    if (pinging && probe_deadline_passed (next_ping)) {
      sequence++;
      for (guint i = 0; i < CHANNELS; i++)
        send_ping (&stream->channels[i], sequence);
      next_ping += PROBE_STREAM_PING_MS * PROBE_US_PER_MS;
    }
    if (poll (entries, G_N_ELEMENTS (entries), pinging ? probe_deadline_poll_ms (next_ping) : -1)
        <= 0)
      continue;
    for (guint i = 0; i < CHANNELS; i++) {
      if (entries[i].revents != 0)
        receive_packets (stream, &stream->channels[i]);
    }
    if (entries[CHANNELS].revents != 0)
      (void) !read (stream->wake_fd, &ignored, sizeof ignored);
  }
}

static gboolean
open_channel (Channel *channel, const char *host, guint16 port, const char *payload, GError **error)
{
  struct sockaddr_storage address;
  guint length;

  memcpy (channel->payload, payload, sizeof channel->payload);
  channel->first_ms = -1;
  if (!probe_address_parse (host, port, &address, &length, error))
    return FALSE;
  channel->fd = socket (address.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  /* Connected, so that only packets of this server and port are counted. */
  if (channel->fd < 0 || connect (channel->fd, (struct sockaddr *) &address, length) < 0) {
    g_set_error (
        error, PROBE_ERROR, PROBE_ERROR_SYSTEM, "UDP port %u: %s", port, g_strerror (errno));
    return FALSE;
  }
  setsockopt (channel->fd, SOL_SOCKET, SO_RCVBUF, &(int){ RECEIVE_BUFFER }, sizeof (int));
  return TRUE;
}

/* Both flags are read by the thread after each wake-up. */
static void
set_flag (ProbeStream *stream, gboolean *flag, gboolean value)
{
  guint64 one = 1;

  pthread_mutex_lock (&stream->mutex);
  *flag = value;
  pthread_mutex_unlock (&stream->mutex);
  (void) !write (stream->wake_fd, &one, sizeof one);
}

ProbeStream *
probe_stream_new (const char *host, guint16 video_port, const char *video_payload,
    guint16 audio_port, const char *audio_payload, GError **error)
{
  ProbeStream *stream = g_new0 (ProbeStream, 1);
  pthread_condattr_t monotonic;

  pthread_mutex_init (&stream->mutex, NULL);
  pthread_condattr_init (&monotonic);
  pthread_condattr_setclock (&monotonic, CLOCK_MONOTONIC);
  pthread_cond_init (&stream->arrived, &monotonic);
  pthread_condattr_destroy (&monotonic);
  stream->channels[VIDEO].fd = stream->channels[AUDIO].fd = -1;
  stream->pinging = TRUE;
  stream->start = g_get_monotonic_time ();
  stream->wake_fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (stream->wake_fd < 0) {
    g_set_error (error, PROBE_ERROR, PROBE_ERROR_SYSTEM, "eventfd: %s", g_strerror (errno));
    goto failed;
  }
  if (!open_channel (&stream->channels[VIDEO], host, video_port, video_payload, error)
      || !open_channel (&stream->channels[AUDIO], host, audio_port, audio_payload, error))
    goto failed;
  stream->thread = g_thread_new ("probe-stream", run, stream);
  return stream;

failed:
  probe_stream_free (stream);
  return NULL;
}

void
probe_stream_free (ProbeStream *stream)
{
  if (stream == NULL)
    return;
  if (stream->thread != NULL) {
    set_flag (stream, &stream->ending, TRUE);
    g_thread_join (stream->thread);
  }
  for (guint i = 0; i < CHANNELS; i++) {
    if (stream->channels[i].fd >= 0)
      close (stream->channels[i].fd);
  }
  if (stream->wake_fd >= 0)
    close (stream->wake_fd);
  pthread_mutex_destroy (&stream->mutex);
  pthread_cond_destroy (&stream->arrived);
  g_free (stream);
}

void
probe_stream_stop_pings (ProbeStream *stream)
{
  set_flag (stream, &stream->pinging, FALSE);
}

void
probe_stream_get_counts (ProbeStream *stream, ProbeStreamCounts *counts)
{
  pthread_mutex_lock (&stream->mutex);
  *counts = (ProbeStreamCounts){
    .video_packets = stream->channels[VIDEO].packets,
    .video_bytes = stream->channels[VIDEO].bytes,
    .audio_packets = stream->channels[AUDIO].packets,
    .audio_bytes = stream->channels[AUDIO].bytes,
    .first_video_ms = stream->channels[VIDEO].first_ms,
    .first_audio_ms = stream->channels[AUDIO].first_ms,
    .at = g_get_monotonic_time (),
  };
  pthread_mutex_unlock (&stream->mutex);
}

gboolean
probe_stream_wait_first (ProbeStream *stream, gint64 deadline)
{
  struct timespec until = { .tv_sec = deadline / G_USEC_PER_SEC,
    .tv_nsec = deadline % G_USEC_PER_SEC * 1000 };
  gboolean waiting = TRUE;
  gboolean video;

  pthread_mutex_lock (&stream->mutex);
  while (waiting && (stream->channels[VIDEO].packets == 0 || stream->channels[AUDIO].packets == 0))
    waiting = pthread_cond_timedwait (&stream->arrived, &stream->mutex, &until) == 0;
  video = stream->channels[VIDEO].packets > 0;
  pthread_mutex_unlock (&stream->mutex);
  return video;
}
