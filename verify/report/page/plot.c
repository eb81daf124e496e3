/* SPDX-License-Identifier: MIT
 *
 * plot.c: runs gnuplot and makes its SVG ours.
 */
#include "plot.h"
#include "page.h"
#include "report.h"

#include <stdio.h>
#include <string.h>

/* A picture takes a tenth of a second; on a machine that is very busy some seconds. */
#define GNUPLOT_TIMEOUT_S 60

struct Plot {
  int width, height;
  GString *script;
  GPtrArray *texts;  /* by token */
  GPtrArray *tokens; /* what plot_text() gave away */
};

static const char *const ink_classes[N_INKS] = {
  [INK_TEXT] = "text",
  [INK_MUTED] = "muted",
  [INK_GRID] = "grid",
  [INK_BEFORE] = "before",
  [INK_AFTER] = "after",
  [INK_BEFORE_ON_BAND] = "before bare",
  [INK_AFTER_ON_BAND] = "after bare",
  [INK_BAND] = "band",
  [INK_SHADE] = "shade",
  [INK_GOOD] = "good",
  [INK_BAD] = "bad",
  [INK_PLAIN] = "plain",
};

Plot *
plot_new (int width, int height, const char *subject)
{
  Plot *plot = g_new0 (Plot, 1);

  plot->width = width;
  plot->height = height;
  plot->script = g_string_new (NULL);
  plot->texts = g_ptr_array_new_with_free_func (g_free);
  plot->tokens = g_ptr_array_new_with_free_func (g_free);
  plot_add (plot,
      "set terminal svg size %d,%d fixed noenhanced font ',13' linewidth 1\n"
      "set border 0\n"
      "set style fill solid noborder\n"
      "unset key\n",
      width, height);
  if (subject != NULL)
    plot_add (plot, "set label %s at screen %g, screen %g left font ',12' textcolor %s\n",
        plot_text (plot, subject), 2.0 / width, 11.0 / height, plot_ink (INK_TEXT));
  return plot;
}

void
plot_free (Plot *plot)
{
  if (plot == NULL)
    return;
  g_string_free (plot->script, TRUE);
  g_ptr_array_unref (plot->texts);
  g_ptr_array_unref (plot->tokens);
  g_free (plot);
}

void
plot_add (Plot *plot, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  g_string_append_vprintf (plot->script, format, args);
  va_end (args);
}

/* As long as the text, so that gnuplot leaves as much room for it. */
const char *
plot_text (Plot *plot, const char *text)
{
  g_autofree gchar *fill = g_strnfill (MIN (g_utf8_strlen (text, -1), 200), '_');
  gchar *token = g_strdup_printf (
      "'@%u%.*s@'", plot->texts->len, (int) MAX ((gssize) strlen (fill) - 4, 0), fill);

  g_ptr_array_add (plot->texts, g_strdup (text));
  g_ptr_array_add (plot->tokens, token);
  return token;
}

/* Red and green of our colours are constant, blue is the ink: nothing else has such a colour. */
const char *
plot_ink (Ink ink)
{
  static char inks[N_INKS][sizeof "rgb \"#010200\""];

  g_snprintf (inks[ink], sizeof inks[ink], "rgb \"#0102%02x\"", ink + 1);
  return inks[ink];
}

/* ---- gnuplot ---- */

typedef struct {
  GMainLoop *loop;
  GCancellable *cancellable;
  gboolean late;
  gchar *out, *err;
  GError *error;
} Run;

static void
ended (GObject *process, GAsyncResult *result, gpointer data)
{
  Run *run = data;

  g_subprocess_communicate_utf8_finish (
      G_SUBPROCESS (process), result, &run->out, &run->err, &run->error);
  g_main_loop_quit (run->loop);
}

static gboolean
too_late (gpointer data)
{
  Run *run = data;

  run->late = TRUE;
  g_cancellable_cancel (run->cancellable);
  return G_SOURCE_CONTINUE; /* removed by run_gnuplot */
}

static gchar *
run_gnuplot (const char *script, GError **error)
{
  /* Without anybody's own settings. */
  const char *const argv[] = { "gnuplot", "--default-settings", NULL };
  g_autoptr (GSubprocessLauncher) launcher =
      g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_PIPE
          | G_SUBPROCESS_FLAGS_STDERR_PIPE);
  g_autoptr (GSubprocess) process = NULL;
  g_autoptr (GError) reason = NULL;
  Run run = { NULL, NULL, FALSE, NULL, NULL, NULL };
  gchar *out = NULL;
  guint timer;

  g_subprocess_launcher_setenv (launcher, "LC_ALL", "C", TRUE);
  process = g_subprocess_launcher_spawnv (launcher, argv, &reason);
  if (process == NULL) {
    g_set_error (error, REPORT_ERROR, 0,
        "no pictures without gnuplot: %s; on Debian: apt-get install gnuplot-nox", reason->message);
    return NULL;
  }
  run.loop = g_main_loop_new (NULL, FALSE);
  run.cancellable = g_cancellable_new ();
  timer = g_timeout_add_seconds (GNUPLOT_TIMEOUT_S, too_late, &run);
  g_subprocess_communicate_utf8_async (process, script, run.cancellable, ended, &run);
  g_main_loop_run (run.loop);
  g_source_remove (timer);
  if (run.error != NULL) {
    g_subprocess_force_exit (process);
    g_subprocess_wait (process, NULL, NULL);
  }
  if (run.late)
    g_set_error (error, REPORT_ERROR, 0, "gnuplot did not end within %d s", GNUPLOT_TIMEOUT_S);
  else if (g_error_matches (run.error, G_IO_ERROR, G_IO_ERROR_BROKEN_PIPE))
    g_set_error (error, REPORT_ERROR, 0,
        "gnuplot ended before it had read all; does it say anything when it is run by hand?");
  else if (run.error != NULL)
    g_set_error (error, REPORT_ERROR, 0, "gnuplot: %s", run.error->message);
  else if (!g_subprocess_get_successful (process) || strstr (run.out, "</svg>") == NULL)
    g_set_error (error, REPORT_ERROR, 0,
        "gnuplot (5.2 or later, with its svg terminal, is needed): %s", g_strstrip (run.err));
  else
    out = g_steal_pointer (&run.out);
  g_clear_error (&run.error);
  g_free (run.out);
  g_free (run.err);
  g_object_unref (run.cancellable);
  g_main_loop_unref (run.loop);
  return out;
}

/* ---- its SVG, made ours ---- */

static gboolean
put_class (const GMatchInfo *match, GString *out, gpointer data)
{
  g_autofree gchar *attribute = g_match_info_fetch (match, 1);
  g_autofree gchar *blue = g_match_info_fetch (match, 2);
  const guint64 ink = g_ascii_strtoull (blue, NULL, 10) - 1;

  (void) data;
  if (ink < N_INKS)
    g_string_append_printf (
        out, " class=\"%c-%s\"", *attribute == 's' ? 's' : 'f', ink_classes[ink]);
  return FALSE;
}

static gboolean
put_text (const GMatchInfo *match, GString *out, gpointer data)
{
  g_autofree gchar *number = g_match_info_fetch (match, 1);
  GPtrArray *texts = data;
  const guint64 i = g_ascii_strtoull (number, NULL, 10);

  if (i < texts->len)
    html_text (out, g_ptr_array_index (texts, i));
  return FALSE;
}

typedef struct {
  const char *pattern, *replacement;
} Change;

/* In this order. */
static const Change changes[] = {
  /* Points are circles, not uses of a shape: two pictures in one page would share its id. */
  { "<use xlink:href='#gpPt6' transform='translate\\(([-0-9.]+),([-0-9.]+)\\) "
    "scale\\(([0-9.]+)\\)' "
    "color='(rgb\\([^)]*\\))'/>",
      "<circle cx=\"\\1\" cy=\"\\2\" r=\"\\3\" fill=\"\\4\"/>" },
  { "<g id=\"[^\"]*\" *><title>[^<]*</title>", "<g>" },
  { " class=\"gridline\"", "" },
  { " font-family=\"[^\"]*\"", "" },
  { "<g fill=\"none\" color=\"[a-z]*\" stroke=\"[^\"]*\" stroke-width=\"([0-9.]+)\" "
    "stroke-linecap=\"butt\" stroke-linejoin=\"miter\">",
      "<g fill=\"none\" stroke-width=\"\\1\">" },
  { "<g stroke='none' shape-rendering='crispEdges'>", "<g stroke=\"none\">" },
};

static gboolean
apply (gchar **svg, const Change *change, GError **error)
{
  g_autoptr (GRegex) regex = g_regex_new (change->pattern, G_REGEX_OPTIMIZE, 0, error);
  gchar *changed =
      regex ? g_regex_replace (regex, *svg, -1, 0, change->replacement, 0, error) : NULL;

  if (changed == NULL)
    return FALSE;
  g_free (*svg);
  *svg = changed;
  return TRUE;
}

static gboolean
apply_call (
    gchar **svg, const char *pattern, GRegexEvalCallback call, gpointer data, GError **error)
{
  g_autoptr (GRegex) regex = g_regex_new (pattern, G_REGEX_OPTIMIZE, 0, error);
  gchar *changed = regex ? g_regex_replace_eval (regex, *svg, -1, 0, 0, call, data, error) : NULL;

  if (changed == NULL)
    return FALSE;
  g_free (*svg);
  *svg = changed;
  return TRUE;
}

/* Groups with nothing in them, and in these again. */
static gboolean
drop_empty_groups (gchar **svg, GError **error)
{
  const Change change = { "<g[^>]*>\\s*</g>\\s*", "" };
  gsize length;

  do {
    length = strlen (*svg);
    if (!apply (svg, &change, error))
      return FALSE;
  } while (strlen (*svg) < length);
  return TRUE;
}

/* What gnuplot drew, without its head and its definitions. */
static gchar *
drawing (Plot *plot, GError **error)
{
  g_autofree gchar *svg = run_gnuplot (plot->script->str, error);
  const Change lines = { "\\s*\\n\\s*", "\n" };
  const char *begin, *end;
  gchar *body;

  if (svg == NULL)
    return NULL;
  begin = strstr (svg, "</defs>");
  end = g_strrstr (svg, "</g>");
  if (begin == NULL || end == NULL || end < begin) {
    g_set_error (error, REPORT_ERROR, 0, "gnuplot drew an SVG of a form that is not known");
    return NULL;
  }
  begin += strlen ("</defs>");
  body = g_strndup (begin, end - begin);
  for (guint i = 0; i < G_N_ELEMENTS (changes); i++)
    if (!apply (&body, &changes[i], error))
      return NULL;
  if (!apply_call (&body,
          "\\s(stroke|fill|color)\\s*=\\s*['\"]rgb\\(\\s*1,\\s*2,\\s*(\\d+)\\)['\"]", put_class,
          NULL, error)
      || !drop_empty_groups (&body, error) || !apply (&body, &lines, error)
      || !apply_call (&body, "@(\\d+)_*@", put_text, plot->texts, error))
    return NULL;
  return body;
}

gchar *
plot_render (Plot *plot, PlotUse use, const char *class, const char *title, const char *description,
    GError **error)
{
  g_autofree gchar *body = drawing (plot, error);
  GString *svg;

  if (body == NULL)
    return NULL;
  svg = g_string_new (NULL);
  g_string_append_printf (svg, "<svg viewBox=\"0 0 %d %d\" class=\"picture %s\" role=\"img\"",
      plot->width, plot->height, class);
  if (use == PLOT_STANDALONE)
    g_string_append_printf (svg, " xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\"",
        plot->width, plot->height);
  g_string_append (svg, ">\n<title>");
  html_text (svg, title);
  g_string_append (svg, "</title>\n<desc>");
  html_text (svg, description);
  g_string_append (svg, "</desc>\n");
  if (use == PLOT_STANDALONE)
    g_string_append_printf (svg,
        "<style>\n%s</style>\n<rect width=\"100%%\" height=\"100%%\" class=\"f-paper\"/>\n",
        picture_css ());
  g_string_append (svg, body);
  g_string_append (svg, "</svg>\n");
  return g_string_free (svg, FALSE);
}
