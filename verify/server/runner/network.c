/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "network.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <net/route.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static gboolean
fail (GError **error, const gchar *what)
{
  g_set_error (
      error, G_IO_ERROR, g_io_error_from_errno (errno), "%s: %s", what, g_strerror (errno));
  return FALSE;
}

/* Files in /proc are written in place, at one go. */
static gboolean
write_file (const gchar *path, const gchar *text, GError **error)
{
  const gint fd = open (path, O_WRONLY | O_CLOEXEC);
  const gboolean written = fd >= 0 && write (fd, text, strlen (text)) == (gssize) strlen (text);

  if (!written)
    fail (error, path);
  if (fd >= 0)
    close (fd);
  return written;
}

/* In a new user namespace we are nobody until told otherwise. */
static gboolean
map_to_root (GError **error)
{
  g_autofree gchar *uids = g_strdup_printf ("0 %u 1", getuid ());
  g_autofree gchar *gids = g_strdup_printf ("0 %u 1", getgid ());

  if (unshare (CLONE_NEWUSER | CLONE_NEWNET) < 0)
    return fail (error, "cannot make a network namespace; run as root, or allow user namespaces");
  return write_file ("/proc/self/setgroups", "deny", error)
      && write_file ("/proc/self/uid_map", uids, error)
      && write_file ("/proc/self/gid_map", gids, error);
}

static gboolean
bring_up_loopback (gint fd, GError **error)
{
  struct ifreq lo = { .ifr_name = "lo" };
  struct rtentry multicast = { .rt_flags = RTF_UP, .rt_dev = (char[]){ "lo" } };
  struct sockaddr_in *to = (struct sockaddr_in *) &multicast.rt_dst;
  struct sockaddr_in *mask = (struct sockaddr_in *) &multicast.rt_genmask;

  lo.ifr_flags = IFF_UP | IFF_LOOPBACK | IFF_RUNNING | IFF_MULTICAST;
  if (ioctl (fd, SIOCSIFFLAGS, &lo) < 0)
    return fail (error, "cannot bring loopback up");
  to->sin_family = mask->sin_family = AF_INET;
  to->sin_addr.s_addr = inet_addr ("224.0.0.0");
  mask->sin_addr.s_addr = inet_addr ("240.0.0.0");
  if (ioctl (fd, SIOCADDRT, &multicast) < 0)
    return fail (error, "cannot add a multicast route");
  return TRUE;
}

gboolean
network_enter (GError **error)
{
  if (geteuid () == 0
          ? unshare (CLONE_NEWNET) < 0 && !fail (error, "cannot make a network namespace")
          : !map_to_root (error))
    return FALSE;
  const gint fd = socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const gboolean up = fd >= 0 ? bring_up_loopback (fd, error) : fail (error, "socket");
  if (fd >= 0)
    close (fd);
  return up;
}

static gchar *
namespace_of (const gchar *pid)
{
  g_autofree gchar *link = g_build_filename ("/proc", pid, "ns", "net", NULL);

  return g_file_read_link (link, NULL);
}

static void
kill_all_in (const gchar *network, GPid except)
{
  g_autoptr (GDir) proc = g_dir_open ("/proc", 0, NULL);
  const gchar *name;

  while (network != NULL && proc != NULL && (name = g_dir_read_name (proc)) != NULL) {
    g_autofree gchar *theirs = g_ascii_isdigit (name[0]) ? namespace_of (name) : NULL;
    const GPid pid = (GPid) g_ascii_strtoll (name, NULL, 10);
    if (g_strcmp0 (network, theirs) == 0 && pid != except)
      kill (pid, SIGKILL);
  }
}

void
network_clear (void)
{
  g_autofree gchar *ours = namespace_of ("self");
  g_autofree gchar *parents = NULL;
  g_autofree gchar *parent = g_strdup_printf ("%d", getppid ());

  /* Never in a network that is not the scenario's own. */
  parents = namespace_of (parent);
  if (g_strcmp0 (ours, parents) != 0)
    kill_all_in (ours, getpid ());
}

void
network_kill (GPid child)
{
  g_autofree gchar *ours = namespace_of ("self");
  g_autofree gchar *name = g_strdup_printf ("%d", child);
  g_autofree gchar *theirs = namespace_of (name);

  if (g_strcmp0 (ours, theirs) != 0)
    kill_all_in (theirs, 0);
  kill (child, SIGKILL);
}
