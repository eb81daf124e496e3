/* SPDX-License-Identifier: MIT */
#include "sockdiag.h"

#include "conn.h"
#include "deadline.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SOCKDIAG_TIMEOUT_US                                                                        \
  (2 * G_USEC_PER_SEC)          /* the kernel answers at once; a limit all the same */
#define ANSWER_SIZE (64 * 1024) /* the kernel's dumps come in parts of at most 32 KiB */

const char *
probe_tcp_state_name (guint state)
{
  static const char *const names[PROBE_TCP_STATES] = {
    "UNKNOWN",
    "ESTABLISHED",
    "SYN_SENT",
    "SYN_RECV",
    "FIN_WAIT1",
    "FIN_WAIT2",
    "TIME_WAIT",
    "CLOSE",
    "CLOSE_WAIT",
    "LAST_ACK",
    "LISTEN",
    "CLOSING",
    "NEW_SYN_RECV",
  };

  return state < PROBE_TCP_STATES ? names[state] : names[0];
}

gboolean
probe_socket_is_unaccepted (const ProbeSocket *socket)
{
  return socket->inode == 0
      && (socket->state == TCP_ESTABLISHED || socket->state == TCP_CLOSE_WAIT);
}

static void
clear_socket (gpointer data)
{
  g_free (((ProbeSocket *) data)->owner);
}

static gboolean
fail (GError **error, const char *what)
{
  g_set_error (
      error, PROBE_ERROR, PROBE_ERROR_SYSTEM, "sock_diag: %s: %s", what, g_strerror (errno));
  return FALSE;
}

static gboolean
send_request (int fd, int family, guint16 port, GError **error)
{
  struct {
    struct nlmsghdr header;
    struct inet_diag_req_v2 request;
  } message = {
    .header = { .nlmsg_len = sizeof message,
        .nlmsg_type = SOCK_DIAG_BY_FAMILY,
        .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
    .request = { .sdiag_family = (__u8) family,
        .sdiag_protocol = IPPROTO_TCP,
        .idiag_states = ~0U,
        .id = { .idiag_sport = htons (port) } },
  };
  struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };

  if (sendto (fd, &message, sizeof message, 0, (struct sockaddr *) &kernel, sizeof kernel) < 0)
    return fail (error, "send");
  return TRUE;
}

/* Adds one record; a dump may also contain other ports on kernels that do not filter. */
static void
add_record (GArray *sockets, const struct inet_diag_msg *record, guint16 port)
{
  ProbeSocket socket = {
    .family = record->idiag_family,
    .state = record->idiag_state,
    .local_port = ntohs (record->id.idiag_sport),
    .remote_port = ntohs (record->id.idiag_dport),
    .uid = record->idiag_uid,
    .inode = record->idiag_inode,
    .rqueue = record->idiag_rqueue,
    .wqueue = record->idiag_wqueue,
  };

  if (port == 0 || socket.local_port == port)
    g_array_append_val (sockets, socket);
}

/* Reads one family's dump to its end. */
static gboolean
receive_dump (int fd, guint16 port, GArray *sockets, GError **error)
{
  g_autofree char *answer = g_malloc (ANSWER_SIZE);
  gint64 deadline = probe_deadline_in (SOCKDIAG_TIMEOUT_US);

  for (;;) {
    gssize size;

    if (!probe_wait_fd (fd, POLLIN, deadline, "answer from sock_diag", error))
      return FALSE;
    size = recv (fd, answer, ANSWER_SIZE, 0);
    if (size < 0) {
      if (errno == EINTR || errno == EAGAIN)
        continue;
      return fail (error, "receive");
    }
    for (struct nlmsghdr *header = (struct nlmsghdr *) (void *) answer;
         NLMSG_OK (header, (guint) size); header = NLMSG_NEXT (header, size)) {
      if (header->nlmsg_type == NLMSG_DONE)
        return TRUE;
      if (header->nlmsg_type == NLMSG_ERROR) {
        const struct nlmsgerr *report = NLMSG_DATA (header);

        errno = -report->error;
        return fail (error, "the kernel refuses");
      }
      if (header->nlmsg_type == SOCK_DIAG_BY_FAMILY)
        add_record (sockets, NLMSG_DATA (header), port);
    }
  }
}

GArray *
probe_sockdiag_list (guint16 port, GError **error)
{
  static const int families[] = { AF_INET, AF_INET6 };
  g_autoptr (GArray) sockets = g_array_new (FALSE, TRUE, sizeof (ProbeSocket));
  int fd = socket (AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_SOCK_DIAG);
  gboolean ok = fd >= 0;

  if (!ok)
    fail (error, "socket");
  g_array_set_clear_func (sockets, clear_socket);
  for (guint i = 0; ok && i < G_N_ELEMENTS (families); i++)
    ok = send_request (fd, families[i], port, error) && receive_dump (fd, port, sockets, error);
  if (fd >= 0)
    close (fd);
  return ok ? g_steal_pointer (&sockets) : NULL;
}

/* "name(pid)" of a process; newly allocated. */
static char *
describe_process (const char *pid)
{
  g_autofree char *path = g_strdup_printf ("/proc/%s/comm", pid);
  g_autofree char *name = NULL;

  if (!g_file_get_contents (path, &name, NULL, NULL))
    return g_strdup_printf ("?(%s)", pid);
  return g_strdup_printf ("%s(%s)", g_strchomp (name), pid);
}

/* Adds @pid as an owner of each of @wanted (inode -> GPtrArray of ProbeSocket) that it has open. */
static void
look_into_process (const char *pid, GHashTable *wanted)
{
  g_autofree char *folder = g_strdup_printf ("/proc/%s/fd", pid);
  g_autoptr (GDir) entries = g_dir_open (folder, 0, NULL);
  g_autofree char *owner = NULL;
  g_autoptr (GHashTable) seen = g_hash_table_new (NULL, NULL);
  const char *name;

  if (entries == NULL)
    return;
  while ((name = g_dir_read_name (entries)) != NULL) {
    g_autofree char *path = g_build_filename (folder, name, NULL);
    g_autofree char *link = g_file_read_link (path, NULL);
    gpointer inode;
    ProbeSocket *socket;

    if (link == NULL || !g_str_has_prefix (link, "socket:["))
      continue;
    inode = GUINT_TO_POINTER ((guint) g_ascii_strtoull (link + strlen ("socket:["), NULL, 10));
    socket = g_hash_table_lookup (wanted, inode);
    if (socket == NULL || !g_hash_table_add (seen, inode))
      continue;
    if (owner == NULL)
      owner = describe_process (pid);
    if (socket->owner == NULL) {
      socket->owner = g_strdup (owner);
    } else {
      char *joined = g_strconcat (socket->owner, ",", owner, NULL);

      g_free (socket->owner);
      socket->owner = joined;
    }
  }
}

void
probe_sockdiag_find_owners (GArray *sockets)
{
  g_autoptr (GHashTable) wanted = g_hash_table_new (NULL, NULL);
  g_autoptr (GDir) processes = g_dir_open ("/proc", 0, NULL);
  const char *name;

  for (guint i = 0; i < sockets->len; i++) {
    ProbeSocket *socket = &g_array_index (sockets, ProbeSocket, i);

    g_clear_pointer (&socket->owner, g_free);
    if (socket->inode != 0)
      g_hash_table_insert (wanted, GUINT_TO_POINTER (socket->inode), socket);
  }
  if (processes == NULL || g_hash_table_size (wanted) == 0)
    return;
  while ((name = g_dir_read_name (processes)) != NULL) {
    if (g_ascii_isdigit (name[0]))
      look_into_process (name, wanted);
  }
}

void
probe_sockdiag_summarize (const GArray *sockets, ProbePortSummary *summary)
{
  memset (summary, 0, sizeof *summary);
  for (guint i = 0; i < sockets->len; i++) {
    const ProbeSocket *socket = &g_array_index (sockets, ProbeSocket, i);
    guint state = socket->state < PROBE_TCP_STATES ? socket->state : 0;

    if (probe_socket_is_unaccepted (socket)) {
      summary->unaccepted_states[state]++;
      summary->unaccepted++;
    } else {
      summary->states[state]++;
    }
    if (state == TCP_LISTEN)
      summary->accept_queue += socket->rqueue;
  }
}

int
probe_sockdiag_count_unaccepted (guint16 port)
{
  g_autoptr (GArray) sockets = probe_sockdiag_list (port, NULL);
  ProbePortSummary summary;

  if (sockets == NULL)
    return -1;
  probe_sockdiag_summarize (sockets, &summary);
  return (int) MAX (summary.unaccepted, summary.accept_queue);
}
