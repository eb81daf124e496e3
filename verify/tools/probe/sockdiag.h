/* SPDX-License-Identifier: MIT
 *
 * sockdiag: the kernel's table of TCP sockets, through netlink's sock_diag.
 *
 * Shows what a client cannot see: the state of the server's end of each connection, who owns it,
 * and how many connections the kernel has finished that the server has never accepted. It sees the
 * network namespace that it runs in, and no other host. Reading needs no privilege; finding the
 * owner's process needs the right to look into its /proc/PID/fd.
 *
 * A socket that is not accepted yet has no inode, since it belongs to no file: inode 0 in
 * ESTABLISHED or CLOSE_WAIT says "not accepted". (Inode 0 in FIN_WAIT, LAST_ACK, CLOSING or
 * TIME_WAIT says "closed by its owner, the kernel finishes it": those are nobody's leak.) A LISTEN
 * socket's rqueue is the length of its queue of such connections, wqueue the queue's limit.
 *
 * Calls block for at most SOCKDIAG_TIMEOUT (2 s), in practice for some milliseconds.
 */
#pragma once

#include <glib.h>
#include <netinet/tcp.h>

/* States are those of netinet/tcp.h: TCP_ESTABLISHED .. TCP_CLOSING (1 .. 11); 12 is NEW_SYN_RECV.
 */
#define PROBE_TCP_STATES 13

typedef struct {
  int family; /* AF_INET, AF_INET6 */
  guint8 state;
  guint16 local_port;
  guint16 remote_port;
  guint32 uid;
  guint32 inode;  /* 0: no file, see above */
  guint32 rqueue; /* LISTEN: connections not accepted; else bytes not read */
  guint32 wqueue; /* LISTEN: the backlog's limit; else bytes not acknowledged */
  char *owner; /* "name(pid)", several joined by commas if the file is shared; NULL unless looked up
                */
} ProbeSocket;

/* "ESTABLISHED", "CLOSE_WAIT", ...; never NULL, static. */
const char *probe_tcp_state_name (guint state);

/* Whether the kernel finished this connection and its server has not accepted it. */
gboolean probe_socket_is_unaccepted (const ProbeSocket *socket);

/*
 * All TCP sockets, IPv4 and IPv6, with local port @port (0: any). Returns a new array of
 * ProbeSocket that frees its elements, or NULL with @error set.
 */
GArray *probe_sockdiag_list (guint16 port, GError **error);

/* Fills in the owners as far as /proc permits. Walks all of /proc once. */
void probe_sockdiag_find_owners (GArray *sockets);

/* Counts over one port. */
typedef struct {
  guint states[PROBE_TCP_STATES];            /* accepted ones and LISTEN */
  guint unaccepted_states[PROBE_TCP_STATES]; /* not accepted */
  guint unaccepted;                          /* their sum */
  guint accept_queue; /* the sum of the LISTEN sockets' rqueue: the kernel's own count */
} ProbePortSummary;

void probe_sockdiag_summarize (const GArray *sockets, ProbePortSummary *summary);

/*
 * How many connections to @port nobody has accepted (the larger of both counts), or -1 if the
 * kernel does not tell.
 */
int probe_sockdiag_count_unaccepted (guint16 port);
