/* SPDX-License-Identifier: MIT */
/* wg-fault.c: orders to the tracer from the command line. */
#include "client.h"

#include <stdlib.h>
#include <string.h>

/* The timeout of a subcommand that does not wait. */
#define ANSWER_MS 5000

static const gchar *const help =
    "Subcommands:\n"
    "  stall TARGET where=PLACE         stop the next thread there until it is released\n"
    "  die TARGET where=PLACE           end it, with all locks that it holds\n"
    "  pthread-exit TARGET where=PLACE  end it by pthread_exit()\n"
    "  hold TARGET lock=stream|state|object [pad=GLOB] [die]\n"
    "                                   take a lock and keep it, or end with it\n"
    "  release all | id=N | TARGET      disarm, and let stalled threads continue\n"
    "  wait [id=N] [TARGET] [state=S] [count=N] [timeout=MS]\n"
    "                                   wait until threads or elements are in that state\n"
    "  get TARGET property=P            read a property of each element\n"
    "  watch-caps TARGET, caps          count frames that do not have the size of their caps\n"
    "  list                             faults, threads in them, elements\n"
    "\n"
    "TARGET   element=GLOB factory=NAME pipeline=GLOB with=GLOB (an element in the same pipeline)\n"
    "         [nth=N] [after=N] [times=N] [for=MS] [pad=GLOB] [type=T]\n"
    "PLACE    push create start stop parse state event query\n"
    "S        stalled dead seen clear\n"
    "\n"
    "Exit status: 0 done; 1 refused, or the awaited state was not reached; 2 no tracer.\n"
    "Example: wg-fault --socket /tmp/s stall factory=waylanddisplaysrc where=create --wait 5000\n";

static gint
say (gchar *line)
{
  const gboolean ok =
      strstr (line, "\"ok\":true") != NULL && strstr (line, "\"reached\":false") == NULL;

  g_print ("%s\n", line);
  g_free (line);
  return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}

static gint64
timeout_in (gchar **words)
{
  for (; *words != NULL; words++)
    if (g_str_has_prefix (*words, "timeout="))
      return g_ascii_strtoll (*words + strlen ("timeout="), NULL, 10);
  return 0;
}

static gchar *
quoted (gchar **words)
{
  g_autoptr (GString) line = g_string_new (words[0]);

  for (gchar **word = words + 1; *word != NULL; word++) {
    g_autofree gchar *safe = g_shell_quote (*word);
    g_string_append_printf (line, " %s", safe);
  }
  return g_string_free (g_steal_pointer (&line), FALSE);
}

int
main (int argc, char **argv)
{
  g_autofree gchar *socket = g_strdup (g_getenv ("WG_FAULTS_SOCKET"));
  g_auto (GStrv) words = NULL;
  gint wait_ms = 0;
  const GOptionEntry entries[] = { { "socket", 's', 0, G_OPTION_ARG_FILENAME, &socket,
                                       "The tracer's socket (WG_FAULTS_SOCKET)", "PATH" },
    { "wait", 'w', 0, G_OPTION_ARG_INT, &wait_ms, "After stall or die: wait until a thread is hit",
        "MS" },
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_STRING_ARRAY, &words, NULL, "SUBCOMMAND [WORD]" },
    G_OPTION_ENTRY_NULL };
  g_autoptr (GOptionContext) context =
      g_option_context_new ("- faults in a program that runs wgfaults");
  g_autoptr (GError) error = NULL;

  g_option_context_add_main_entries (context, entries, NULL);
  g_option_context_set_description (context, help);
  if (!g_option_context_parse (context, &argc, &argv, &error) || words == NULL || socket == NULL) {
    g_printerr ("wg-fault: %s\n",
        error ? error->message : "give a subcommand and --socket; --help tells more");
    return 2;
  }
  g_autoptr (WgfClient) client = wgf_client_connect (socket, 0, &error);
  g_autofree gchar *order = quoted (words);
  gchar *line = client
      ? wgf_client_order (client, ANSWER_MS + timeout_in (words), &error, "%s", order)
      : NULL;
  if (line == NULL) {
    g_printerr ("wg-fault: %s\n", error->message);
    return 2;
  }
  const gchar *id = strstr (line, "\"id\":");
  const guint fault = id ? (guint) g_ascii_strtoull (id + strlen ("\"id\":"), NULL, 10) : 0;
  const gint status = say (line);
  if (status != EXIT_SUCCESS || wait_ms == 0 || fault == 0)
    return status;
  line = wgf_client_order (client, ANSWER_MS + wait_ms, &error, "wait id=%u state=%s timeout=%d",
      fault, g_str_equal (words[0], "stall") ? "stalled" : "dead", wait_ms);
  if (line == NULL) {
    g_printerr ("wg-fault: %s\n", error->message);
    return 2;
  }
  return say (line);
}
