/* SPDX-License-Identifier: MIT */
/* options.c: one table says what there is; a preset sets what nobody has set. */
#include "options.h"

#include <gio/gio.h>
#include <string.h>

#define UNSET (-1)
#define MEMBER(name) G_STRUCT_OFFSET (LabOptions, name)

typedef struct {
  const gchar *name;
  const gchar *choices[2]; /* FALSE, TRUE */
  gsize member;
  gboolean of_a_patch; /* a preset sets it */
  const gchar *about;
} Switch;

/* A table. */
/* clang-format off */
static const Switch switches[] = {
  { "stop", { "eos", "guard" }, MEMBER (guard_stop), TRUE,
      "A stop: EOS by the caller | ends the loop" },
  { "on-error", { "keep", "close" }, MEMBER (close_on_error), TRUE,
      "A failed connection closes: late | at once" },
  { "inherit", { "yes", "no" }, MEMBER (bare_children), TRUE, "Children get the server's sockets" },
  { "tokens", { "off", "on" }, MEMBER (tokens), TRUE, "A stop counts before there is a handler" },
  { "threads", { "plain", "named" }, MEMBER (records), TRUE,
      "Starts and ends of threads are logged" },
  { "input", { "element", "pad" }, MEMBER (pad_input), TRUE, "Where input events go" },
  { "shutdown", { "exit", "bounded" }, MEMBER (bounded_shutdown), TRUE,
      "SIGTERM: exit() | pipelines end first" },
  { "malformed", { "die", "close" }, MEMBER (close_malformed), TRUE,
      "A bad number: ends the lab | is refused" },
  { "containers", { "bus", "runner" }, MEMBER (own_containers), TRUE,
      "Stops a container: caller | own thread" },
  { "docker", { "trust", "check" }, MEMBER (check_docker), TRUE,
      "Engine answers: trusted | checked" },
  { "rtsp", { "keep", "limit" }, MEMBER (limit_rtsp), TRUE, "Silent RTSP connections stay | end" },
  { "accept", { "once", "again" }, MEMBER (accept_again), TRUE,
      "After a failed accept: no API | goes on" },
  { "icons", { "thread", "dispatcher" }, MEMBER (own_icons), TRUE, "Who downloads icons" },
  { "connections", { "all", "limit" }, MEMBER (limit_connections), TRUE,
      "How many connections a port has" },
  { "pairing", { "keep", "limit" }, MEMBER (limit_pairing), TRUE,
      "/pair without a PIN: is held | ends" },
  { "pings", { "wait", "limit" }, MEMBER (limit_pings), TRUE,
      "The first ping is waited for: always | 30 s" },
  { "log", { "wait", "drop" }, MEMBER (own_log), TRUE,
      "A log that nobody reads: holds all | drops" },
  { "watch", { "off", "on" }, MEMBER (watch), TRUE, "Who watches threads: nobody | guard" },
  { "handover", { "appsink", "interpipe" }, MEMBER (interpipe), FALSE,
      "From producer to consumer" },
  { "audio", { "direct", "relayed" }, MEMBER (relayed_audio), FALSE,
      "The tone: in the consumer | in a producer" },
  { "ports", { "free", "wolf" }, MEMBER (wolf_ports), FALSE, "Chosen by the kernel | Wolf's own" },
  { "plant", { "nothing", "reference-leak" }, MEMBER (leak_references), FALSE,
      "A fault that checks must notice" },
};
/* clang-format on */

typedef struct {
  gint values[G_N_ELEMENTS (switches)];
  gint preset; /* 0 before, 1 after */
} Parsed;

/* `choices` as "a|b", and which of them `text` is. */
static gboolean
choose (const gchar *option, const gchar *const *choices, const gchar *text, gint *value,
    GError **error)
{
  const gint chosen = g_strcmp0 (text, choices[0]) == 0 ? FALSE
      : g_strcmp0 (text, choices[1]) == 0               ? TRUE
                                                        : UNSET;

  if (chosen == UNSET) {
    g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "%s=%s: it is %s or %s", option,
        text ? text : "", choices[0], choices[1]);
    return FALSE;
  }
  if (*value != UNSET && *value != chosen) {
    g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
        "%s is given as %s and as %s: decide for one", option, choices[*value], choices[chosen]);
    return FALSE;
  }
  *value = chosen;
  return TRUE;
}

static gboolean
on_switch (const gchar *option, const gchar *text, gpointer data, GError **error)
{
  Parsed *parsed = data;

  for (guint i = 0; i < G_N_ELEMENTS (switches); i++)
    if (g_str_equal (option + strlen ("--"), switches[i].name))
      return choose (option, switches[i].choices, text, &parsed->values[i], error);
  g_assert_not_reached ();
}

static gboolean
on_preset (const gchar *option, const gchar *text, gpointer data, GError **error)
{
  static const gchar *const presets[] = { "before", "after" };
  Parsed *parsed = data;

  return choose (option, presets, text, &parsed->preset, error);
}

static gboolean *
value_of (LabOptions *options, const Switch *it)
{
  return G_STRUCT_MEMBER_P (options, it->member);
}

static gboolean
is_usable (const LabOptions *options, GError **error)
{
  if (options->dir == NULL) {
    g_set_error_literal (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
        "--dir is not given: a folder for wolf.sock, with clients/*.pem in it");
    return FALSE;
  }
  if (!g_file_test (options->dir, G_FILE_TEST_IS_DIR)) {
    g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
        "--dir %s is no folder: make it, with clients/*.pem in it", options->dir);
    return FALSE;
  }
  return TRUE;
}

static void
apply (LabOptions *options, const Parsed *parsed)
{
  const gboolean after = parsed->preset != FALSE; /* unset: after */

  for (guint i = 0; i < G_N_ELEMENTS (switches); i++)
    *value_of (options, &switches[i]) = parsed->values[i] != UNSET ? parsed->values[i]
        : switches[i].of_a_patch                                   ? after
                                                                   : FALSE;
}

gboolean
lab_options_parse (LabOptions *options, gint argc, gchar **argv, GError **error)
{
  g_autoptr (GOptionContext) context = g_option_context_new ("- a small server of Wolf's shape");
  g_autoptr (GArray) entries = g_array_new (TRUE, TRUE, sizeof (GOptionEntry));
  g_autoptr (GPtrArray) texts = g_ptr_array_new_with_free_func (g_free);
  Parsed parsed = { .preset = UNSET };
  const GOptionEntry first[] = {
    { "dir", 0, 0, G_OPTION_ARG_FILENAME, &options->dir, "Where wolf.sock and clients/*.pem are",
        "DIR" },
    { "preset", 0, 0, G_OPTION_ARG_CALLBACK, on_preset, "Sets the first eighteen below (after)",
        "before|after" },
  };

  memset (options, 0, sizeof *options);
  g_array_append_vals (entries, first, G_N_ELEMENTS (first));
  for (guint i = 0; i < G_N_ELEMENTS (switches); i++) {
    gchar *choices = g_strjoin ("|", switches[i].choices[0], switches[i].choices[1], NULL);
    const GOptionEntry entry = { switches[i].name, 0, 0, G_OPTION_ARG_CALLBACK, on_switch,
      switches[i].about, choices };
    parsed.values[i] = UNSET;
    g_ptr_array_add (texts, choices);
    g_array_append_val (entries, entry);
  }
  GOptionGroup *group = g_option_group_new (NULL, NULL, NULL, &parsed, NULL);
  g_option_group_add_entries (group, (const GOptionEntry *) entries->data);
  g_option_context_set_main_group (context, group);
  g_option_context_set_description (context,
      "The first choice is before the series, the second after it. Loopback only.\n"
      "Exit status: 0 ended by SIGTERM; 1 it could not serve; 2 wrong usage.\n");
  if (!g_option_context_parse (context, &argc, &argv, error))
    return FALSE;
  if (argc > 1) {
    g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "%s is no option", argv[1]);
    return FALSE;
  }
  apply (options, &parsed);
  return is_usable (options, error);
}

void
lab_options_clear (LabOptions *options)
{
  g_clear_pointer (&options->dir, g_free);
}

gchar *
lab_options_describe (const LabOptions *options)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < G_N_ELEMENTS (switches); i++)
    g_string_append_printf (text, "%s%s=%s", i ? " " : "", switches[i].name,
        switches[i].choices[*value_of ((LabOptions *) options, &switches[i])]);
  return g_string_free (text, FALSE);
}
