/* SPDX-License-Identifier: MIT */
/*
 * control.c: takes orders on a unix stream socket: one line in, one line of JSON out.
 *
 * One thread accepts, each client has a thread of its own, since an order may wait. All descriptors
 * are close-on-exec: programs that the host starts inherit none of them.
 */
#define _GNU_SOURCE
#include "wgfaults.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* Orders are lines of a few words; a longer one is a mistake. */
#define LINE_MAX_BYTES 4096
/* How many clients may be connected before one waits in the backlog. */
#define BACKLOG 16
/* What `wait` waits when it is not told. */
#define WAIT_DEFAULT_MS 5000

/* The words of an order after its subcommand. */
typedef struct {
  WgfSpec spec;
  guint id;
  guint count;
  gint64 timeout_ms;
  WgfWait state;
  gboolean all, where_given, die;
  gchar *lock, *property;
} Order;

static void
order_clear (Order *order)
{
  wgf_spec_clear (&order->spec);
  g_clear_pointer (&order->lock, g_free);
  g_clear_pointer (&order->property, g_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Order, order_clear)

static gboolean
fail (GError **error, const gchar *format, const gchar *word)
{
  g_autofree gchar *text = g_strdup_printf ("%s: %s", format, word);

  g_set_error_literal (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, text);
  return FALSE;
}

static gboolean
take_text (Order *order, const gchar *key, const gchar *value)
{
  const struct {
    const gchar *key;
    gchar **field;
  } texts[] = { { "element", &order->spec.element }, { "factory", &order->spec.factory },
    { "pipeline", &order->spec.pipeline }, { "with", &order->spec.with },
    { "pad", &order->spec.pad }, { "type", &order->spec.type }, { "lock", &order->lock },
    { "property", &order->property } };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    if (g_str_equal (key, texts[i].key)) {
      g_free (*texts[i].field);
      *texts[i].field = g_strdup (value);
      return TRUE;
    }
  return FALSE;
}

static gboolean
take_number (Order *order, const gchar *key, const gchar *value, GError **error)
{
  guint64 number = 0;

  if (!g_ascii_string_to_unsigned (value, 10, 0, G_MAXINT, &number, NULL))
    return fail (error, "not a number", value);
  if (g_str_equal (key, "nth"))
    order->spec.nth = (gint) number;
  else if (g_str_equal (key, "after"))
    order->spec.after = (gint) number;
  else if (g_str_equal (key, "times"))
    order->spec.times = (gint) number;
  else if (g_str_equal (key, "for"))
    order->spec.for_ms = (gint64) number;
  else if (g_str_equal (key, "id"))
    order->id = (guint) number;
  else if (g_str_equal (key, "count"))
    order->count = (guint) number;
  else if (g_str_equal (key, "timeout"))
    order->timeout_ms = (gint64) number;
  else
    return fail (error, "unknown word", key);
  return TRUE;
}

static gboolean
take_state (Order *order, const gchar *value, GError **error)
{
  static const gchar *const names[] = { "stalled", "dead", "seen", "clear" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    if (g_str_equal (value, names[i])) {
      order->state = i;
      return TRUE;
    }
  return fail (error, "state is stalled, dead, seen or clear, not", value);
}

static gboolean
order_parse (Order *order, gchar **words, GError **error)
{
  order->count = 1;
  order->timeout_ms = WAIT_DEFAULT_MS;
  for (gchar **word = words; *word != NULL; word++) {
    gchar *equals = strchr (*word, '=');
    if (equals == NULL) {
      if (g_str_equal (*word, "all"))
        order->all = TRUE;
      else if (g_str_equal (*word, "die"))
        order->die = TRUE;
      else
        return fail (error, "not a key=value", *word);
      continue;
    }
    g_autofree gchar *key = g_strndup (*word, (gsize) (equals - *word));
    const gchar *value = equals + 1;
    if (g_str_equal (key, "where")) {
      if (!wgf_where_from_name (value, &order->spec.where))
        return fail (error, "no such place", value);
      order->where_given = TRUE;
    } else if (g_str_equal (key, "state")) {
      if (!take_state (order, value, error))
        return FALSE;
    } else if (!take_text (order, key, value) && !take_number (order, key, value, error)) {
      return FALSE;
    }
  }
  return TRUE;
}

static gboolean
has_target (const WgfSpec *spec)
{
  return spec->element != NULL || spec->factory != NULL || spec->pipeline != NULL
      || spec->with != NULL;
}

static gboolean
run_arm (Order *order, WgfKind kind, GString *json, GError **error)
{
  if (!has_target (&order->spec) || !order->where_given)
    return fail (error, "needs where= and one of element=, factory=, pipeline=, with=", "arm");
  order->spec.kind = kind;
  g_string_append_printf (json, "\"id\":%u", wgf_arm (&order->spec));
  return TRUE;
}

static gboolean
run_hold (Order *order, GString *json, GError **error)
{
  order->spec.kind = order->die ? WGF_DIE : WGF_STALL;
  const guint id = wgf_hold (&order->spec, order->lock, error);
  if (id == 0)
    return FALSE;
  g_string_append_printf (json, "\"id\":%u", id);
  return TRUE;
}

static gboolean
run_release (Order *order, GString *json, GError **error)
{
  if (!order->all && order->id == 0 && !has_target (&order->spec))
    return fail (error, "needs all, id= or element=", "release");
  g_string_append_printf (
      json, "\"released\":%u", wgf_release (order->id, &order->spec, order->all));
  return TRUE;
}

static gboolean
run_watch_caps (Order *order, GString *json, GError **error)
{
  if (!has_target (&order->spec))
    return fail (error, "needs one of element=, factory=, pipeline=, with=", "watch-caps");
  const guint id = wgf_caps_watch (&order->spec);
  if (id == 0)
    return fail (error, "too many already", "watch-caps");
  g_string_append_printf (json, "\"id\":%u", id);
  return TRUE;
}

static gboolean
run (const gchar *subcommand, Order *order, GString *json, GError **error)
{
  if (g_str_equal (subcommand, "stall"))
    return run_arm (order, WGF_STALL, json, error);
  if (g_str_equal (subcommand, "die"))
    return run_arm (order, WGF_DIE, json, error);
  if (g_str_equal (subcommand, "pthread-exit"))
    return run_arm (order, WGF_PTHREAD_EXIT, json, error);
  if (g_str_equal (subcommand, "hold"))
    return run_hold (order, json, error);
  if (g_str_equal (subcommand, "release"))
    return run_release (order, json, error);
  if (g_str_equal (subcommand, "wait")) {
    g_string_append_printf (json, "\"reached\":%s",
        wgf_wait (order->state, order->id, &order->spec, order->count, order->timeout_ms)
            ? "true"
            : "false");
    return TRUE;
  }
  if (g_str_equal (subcommand, "get")) {
    if (order->property == NULL)
      return fail (error, "needs property=", subcommand);
    g_string_append (json, "\"values\":[");
    wgf_report_property (json, &order->spec, order->property);
    g_string_append_c (json, ']');
    return TRUE;
  }
  if (g_str_equal (subcommand, "watch-caps"))
    return run_watch_caps (order, json, error);
  if (g_str_equal (subcommand, "caps")) {
    g_string_append (json, "\"watches\":[");
    wgf_caps_report (json);
    g_string_append_c (json, ']');
    return TRUE;
  }
  if (g_str_equal (subcommand, "list")) {
    wgf_report (json);
    return TRUE;
  }
  return fail (error, "unknown order", subcommand);
}

/* Answers one order. The result is a line of JSON without its end. */
static gchar *
answer (const gchar *line)
{
  g_autoptr (GString) body = g_string_new (NULL);
  g_autoptr (GString) json = g_string_new (NULL);
  g_auto (GStrv) words = NULL;
  g_autoptr (GError) error = NULL;
  g_auto (Order) order = { 0 };

  if (g_shell_parse_argv (line, NULL, &words, &error) && order_parse (&order, words + 1, &error)
      && run (words[0], &order, body, &error)) {
    g_string_printf (json, "{\"ok\":true,%s}", body->str);
  } else {
    g_string_assign (json, "{\"ok\":false,\"error\":");
    wgf_json_string (json, error->message);
    g_string_append_c (json, '}');
  }
  return g_string_free (g_steal_pointer (&json), FALSE);
}

static gpointer
client_main (gpointer data)
{
  const gint fd = GPOINTER_TO_INT (data);
  FILE *stream = fdopen (fd, "r+e");
  g_autofree gchar *line = g_malloc (LINE_MAX_BYTES);

  if (stream == NULL) {
    close (fd);
    return NULL;
  }
  while (fgets (line, LINE_MAX_BYTES, stream) != NULL) {
    g_strchomp (line);
    if (*line == '\0')
      continue;
    g_autofree gchar *said = answer (line);
    g_autofree gchar *whole = g_strconcat (said, "\n", NULL);
    for (gsize sent = 0, size = strlen (whole); sent < size;) {
      const gssize n = send (fd, whole + sent, size - sent, MSG_NOSIGNAL);
      if (n < 0 && errno != EINTR)
        goto out;
      sent += (gsize) MAX (n, 0);
    }
  }
out:
  fclose (stream);
  return NULL;
}

static gpointer
accept_main (gpointer data)
{
  const gint listener = GPOINTER_TO_INT (data);

  for (;;) {
    const gint fd = accept4 (listener, NULL, NULL, SOCK_CLOEXEC);
    if (fd >= 0)
      g_thread_unref (g_thread_new ("wgfaults-client", client_main, GINT_TO_POINTER (fd)));
    else if (errno != EINTR && errno != ECONNABORTED)
      return NULL;
  }
}

/* A socket file that nobody listens on is left over from a process that ended. */
static gboolean
somebody_listens (const struct sockaddr_un *address)
{
  const gint fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const gboolean yes =
      fd >= 0 && connect (fd, (const struct sockaddr *) address, sizeof *address) == 0;

  if (fd >= 0)
    close (fd);
  return yes;
}

static gchar *
with_pid (const gchar *path)
{
  g_auto (GStrv) parts = g_strsplit (path, "%p", -1);
  g_autofree gchar *pid = g_strdup_printf ("%d", (gint) getpid ());

  return g_strjoinv (pid, parts);
}

void
wgf_control_start (const gchar *path)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  g_autofree gchar *place = with_pid (path);
  gint fd;

  if (g_strlcpy (address.sun_path, place, sizeof address.sun_path) >= sizeof address.sun_path) {
    g_printerr ("wgfaults: WG_FAULTS_SOCKET is too long for a unix socket: %s\n", place);
    return;
  }
  if (somebody_listens (&address)) {
    g_printerr ("wgfaults: another process serves %s already\n", place);
    return;
  }
  unlink (place);
  fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || bind (fd, (struct sockaddr *) &address, sizeof address) < 0
      || listen (fd, BACKLOG) < 0) {
    g_printerr ("wgfaults: cannot serve %s: %s\n", place, g_strerror (errno));
    if (fd >= 0)
      close (fd);
    return;
  }
  g_thread_unref (g_thread_new ("wgfaults", accept_main, GINT_TO_POINTER (fd)));
}
