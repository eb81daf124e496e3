/* SPDX-License-Identifier: MIT
 *
 * wolf-report as it is run, on result lines written by hand: what is in the page, what is not, what
 * the HTML checker says of it, and what happens when something is wrong.
 *
 * tidy (5.6 or later) is the checker: any error and any warning fails.
 */
#include <glib/gstdio.h>
#include <gio/gio.h>
#include <string.h>
#include <sys/wait.h>

typedef struct {
  gchar *dir; /* a folder of its own, which is also the current one */
  gchar *out, *page;
} Fixture;

typedef struct {
  int status;
  gchar *out, *err;
} Ended;

static void
clear_ended (Ended *ended)
{
  g_free (ended->out);
  g_free (ended->err);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Ended, clear_ended)

/* @path: instead of PATH, if it is not NULL. */
static Ended
spawn (const char *const *argv, const char *path)
{
  g_auto (GStrv) environment = g_get_environ ();
  g_autoptr (GError) error = NULL;
  Ended ended = { 0 };
  int wait_status;

  if (path != NULL)
    environment = g_environ_setenv (environment, "PATH", path, TRUE);
  g_spawn_sync (NULL, (char **) argv, environment, G_SPAWN_SEARCH_PATH, NULL, NULL, &ended.out,
      &ended.err, &wait_status, &error);
  g_assert_no_error (error);
  g_assert_true (WIFEXITED (wait_status));
  ended.status = WEXITSTATUS (wait_status);
  return ended;
}

static Ended
make_page (const Fixture *fixture, const char *lines)
{
  const char *const argv[] = { REPORT_PROGRAM, "--out", fixture->out, lines, NULL };

  return spawn (argv, NULL);
}

static gchar *
contents (const char *path)
{
  g_autoptr (GError) error = NULL;
  gchar *text;

  g_file_get_contents (path, &text, NULL, &error);
  g_assert_no_error (error);
  return text;
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  (void) data;
  fixture->dir = g_dir_make_tmp ("wolf-report-XXXXXX", &error);
  g_assert_no_error (error);
  g_assert_cmpint (g_chdir (fixture->dir), ==, 0);
  fixture->out = g_build_filename (fixture->dir, "a", "report", NULL);
  fixture->page = g_build_filename (fixture->out, "index.html", NULL);
}

static void
remove_tree (GFile *file)
{
  g_autoptr (GFileEnumerator) files = g_file_enumerate_children (
      file, "standard::name", G_FILE_QUERY_INFO_NOFOLLOW_SYMLINKS, NULL, NULL);
  GFile *child;

  while (files && g_file_enumerator_iterate (files, NULL, &child, NULL, NULL) && child != NULL)
    remove_tree (child);
  g_file_delete (file, NULL, NULL);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GFile) dir = g_file_new_for_path (fixture->dir);

  (void) data;
  g_assert_cmpint (g_chdir ("/"), ==, 0);
  remove_tree (dir);
  g_free (fixture->dir);
  g_free (fixture->out);
  g_free (fixture->page);
}

/* ---- the checks themselves ---- */

/* What the checker has to say; "" if nothing. */
static gchar *
complaints (const char *path)
{
  const char *const argv[] = { "tidy", "-quiet", "-errors", "--show-body-only", "no", path, NULL };
  g_auto (Ended) ended = spawn (argv, NULL);

  if (ended.status == 0)
    return g_strdup (ended.err);
  return g_strdup_printf ("tidy ends with %d: %s", ended.status, g_strstrip (ended.err));
}

/* What makes a page need something besides itself, or run something; NULL if there is nothing. */
static const char *
foreign (const char *html)
{
  static const char *const signs[] = { "<script", "http:", "https:", " src=", "url(", "@import",
    "<iframe", "<object", "<embed", "<img", "<base", "<form", " onload=", " onerror=\"",
    "javascript:" };

  for (guint i = 0; i < G_N_ELEMENTS (signs); i++)
    if (strstr (html, signs[i]) != NULL)
      return signs[i];
  return NULL;
}

/* Each <svg> is XML, too: browsers forgive more than picture viewers do. */
static guint
count_well_formed_pictures (const char *html)
{
  static const GMarkupParser nothing = { NULL, NULL, NULL, NULL, NULL };
  const char *begin = html, *end;
  guint count = 0;

  while ((begin = strstr (begin, "<svg ")) != NULL) {
    g_autoptr (GMarkupParseContext) context = g_markup_parse_context_new (&nothing, 0, NULL, NULL);
    g_autoptr (GError) error = NULL;

    end = strstr (begin, "</svg>");
    g_assert_nonnull (end);
    end += strlen ("</svg>");
    g_markup_parse_context_parse (context, begin, end - begin, &error);
    g_assert_no_error (error);
    g_markup_parse_context_end_parse (context, &error);
    g_assert_no_error (error);
    begin = end;
    count++;
  }
  return count;
}

static gchar *
good_page (const Fixture *fixture, const char *lines)
{
  g_auto (Ended) ended = make_page (fixture, lines);
  g_autofree gchar *said = NULL;
  gchar *html;

  g_assert_cmpstr (ended.err, ==, "");
  g_assert_cmpint (ended.status, ==, 0);
  said = complaints (fixture->page);
  g_assert_cmpstr (said, ==, "");
  html = contents (fixture->page);
  g_assert_cmpstr (foreign (html), ==, NULL);
  return html;
}

#define assert_has(html, text) g_assert_nonnull (strstr (html, text))
#define assert_has_not(html, text) g_assert_null (strstr (html, text))

/* ---- the tests ---- */

static void
test_full (Fixture *fixture, gconstpointer data)
{
  g_autofree gchar *html = good_page (fixture, FIXTURES "/full.jsonl");

  (void) data;
  /* Latency and three kinds of benches in two forms, sockets of two sides. */
  g_assert_cmpuint (count_well_formed_pictures (html), ==, 2 + 2 + 6);
  assert_has (html, "no answer");
  assert_has (html, "before: 2 of 3 unanswered, the others 1.6\302\240s at most");
  assert_has (html, "after: all 5 answered, slowest 14\302\240ms");
  assert_has (html, ">source stuck<");
  assert_has (html, "/cancel: no answer in 8\302\240s");
  assert_has (html, "/cancel: 41\302\240ms");
  assert_has_not (html, "did not pass");
  /* A regression check has no fault to show. */
  assert_has (html, "class=\"calm\" data-side=\"before\"");
  assert_has (html, "class=\"missed\" data-side=\"before\"");
  /* One of two runs; its figure is the worse one's, and what failed is said. */
  assert_has (
      html, "<b>not held</b> in 1 of 2 runs<br><span class=\"figure\">7 of 9 pipelines see EOS");
  assert_has (html, "after: not held: every pipeline sees EOS");
  assert_has (html, "<th scope=\"col\">without-inherit</th>");
  /* One fix off: its own fault shows, no other; or else. */
  assert_has (html, "class=\"fault\" data-side=\"without-inherit\"");
  assert_has (html, "class=\"held\" data-side=\"without-stop\"");
  assert_has (html, "class=\"broken\" data-side=\"without-tokens\"");
  assert_has (html, "class=\"missed\" data-side=\"without-threads\"");
  assert_has (html, "crashed: Segmentation fault");
  /* A round that has no other side does not count. */
  assert_has (html, "0.80\302\240×");
  assert_has (html, "≥ 0.90\302\240×: missed");
  assert_has (html, "node-lifetime-listen: no line from after");
  assert_has (html, "0a4e766, 0a4e766+17");
  assert_has (html, "1 of them, which are neither");
}

/* Every row leads somewhere. */
static void
test_links (Fixture *fixture, gconstpointer data)
{
  g_autofree gchar *html = good_page (fixture, FIXTURES "/full.jsonl");
  guint links = 0;

  (void) data;
  for (const char *at = html; (at = strstr (at, "href=\"#")) != NULL; links++) {
    const char *name = at + strlen ("href=\"#");
    g_autofree gchar *id = g_strdup_printf ("id=\"%.*s\"", (int) strcspn (name, "\""), name);

    assert_has (html, id);
    at = name;
  }
  g_assert_cmpuint (links, ==, 5 + 8);
}

static void
test_empty_sections (Fixture *fixture, gconstpointer data)
{
  static const struct {
    const char *line, *says[4];
  } cases[] = {
    { "{\"scenario\":\"abuse\",\"label\":\"patched\",\"target\":\"real\",\"failed\":[],\"pass\":"
      "true}",
        { "No line has a timeline", "No line has the states", "no line of a bench",
            "no line from before" } },
    { "{\"bench\":\"b\",\"case\":\"c\",\"unit\":\"ns\",\"value\":3,\"p10\":null,\"p90\":null,"
      "\"bound\":"
      "null,\"bound_is\":\"max\",\"baseline\":null}",
        { "no line of a scenario", "no line at all", "No line has a timeline", "3\302\240ns" } },
    { "{\"scenario\":\"timeline\",\"label\":\"patched\",\"target\":\"lab\",\"latency\":{\"patience_"
      "ms\":9,\"samples\":[[1,2]]},\"pass\":true}",
        { "There is no line from before", "No line has the states", "all 1 requests answered",
            "no line of a bench" } },
    { "{\"scenario\":\"timeline\",\"label\":\"patched\",\"target\":\"real\",\"failed\":[\"not "
      "held: x\"],"
      "\"latency\":{\"patience_ms\":9,\"samples\":[[1,2]]},\"pass\":false}",
        { "The run from after did not pass", "after: not held: x", "all 1 requests answered",
            "There is no line from before" } },
    { "{}", { "no line of a scenario", "1 of them, which are neither", "no bench", "No line" } },
  };

  (void) data;
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree gchar *html = NULL;

    g_assert_true (g_file_set_contents ("lines.jsonl", cases[i].line, -1, NULL));
    html = good_page (fixture, "lines.jsonl");
    for (guint j = 0; j < G_N_ELEMENTS (cases[i].says); j++)
      assert_has (html, cases[i].says[j]);
  }
}

static void
test_hostile (Fixture *fixture, gconstpointer data)
{
  g_auto (Ended) ended = make_page (fixture, FIXTURES "/hostile.jsonl");
  g_autoptr (GDir) dir = NULL;
  g_autofree gchar *html = NULL;
  g_autofree gchar *said = NULL;
  const char *name;

  (void) data;
  g_assert_cmpstr (ended.err, ==, "");
  g_assert_cmpint (ended.status, ==, 0);
  said = complaints (fixture->page);
  g_assert_cmpstr (said, ==, "");
  html = contents (fixture->page);
  assert_has_not (html, "<script");
  assert_has_not (html, "<img");
  assert_has_not (html, "<iframe");
  assert_has_not (html, "<i>");
  assert_has_not (html, "</title><s");
  assert_has (html, "&lt;script&gt;alert(1)&lt;/script&gt;");
  assert_has (html, "&quot;&gt;&lt;img src=x onerror=alert(1)&gt;");
  assert_has (html, "&lt;/text&gt;&lt;script&gt;z&lt;/script&gt;");
  /* In a picture such a text stands for itself as well. */
  assert_has (html, "@0@ &lt;/text&gt;");
  for (const char *at = html; *at != '\0'; at++)
    g_assert_true ((guchar) *at >= 0x20 || *at == '\n' || *at == '\t');
  count_well_formed_pictures (html);
  /* gnuplot ran nothing. */
  dir = g_dir_open (".", 0, NULL);
  while ((name = g_dir_read_name (dir)) != NULL)
    g_assert_false (g_str_has_prefix (name, "pwned"));
}

/* The checks are none if a bad page passes them. */
static void
test_checks (Fixture *fixture, gconstpointer data)
{
  static const char *const plants[] = { "<b><p>crossed</b></p>", "<li>in no list</li>",
    "<p id=\"latency\">an id that there is already</p>", "<nonsense>x</nonsense>", "</section>" };
  g_autofree gchar *html = good_page (fixture, FIXTURES "/full.jsonl");
  const char *main_end = strstr (html, "</main>");
  g_autofree gchar *head = g_strndup (html, main_end - html);

  (void) data;
  for (guint i = 0; i < G_N_ELEMENTS (plants); i++) {
    g_autofree gchar *bad = g_strconcat (head, plants[i], main_end, NULL);
    g_autofree gchar *said = NULL;

    g_assert_true (g_file_set_contents ("bad.html", bad, -1, NULL));
    said = complaints ("bad.html");
    g_test_message ("%s: %s", plants[i], said);
    g_assert_cmpstr (said, !=, "");
  }
  g_assert_cmpstr (foreign ("<p><script>1</script>"), ==, "<script");
  g_assert_cmpstr (foreign ("<link href=\"http://example.invalid\">"), ==, "http:");
}

static void
assert_wrong (const Ended *ended, const char *says)
{
  if (ended->status != 2 || strstr (ended->err, says) == NULL)
    g_test_message ("%d: %s", ended->status, ended->err);
  g_assert_cmpint (ended->status, ==, 2);
  g_assert_nonnull (strstr (ended->err, says));
  g_assert_true (g_str_has_prefix (ended->err, "wolf-report: "));
  /* One line. */
  g_assert_true (strchr (ended->err, '\n') == ended->err + strlen (ended->err) - 1);
}

#define SCENARIO "{\"scenario\":\"timeline\",\"label\":\"patched\",\"target\":\"lab\""

static void
test_bad_lines (Fixture *fixture, gconstpointer data)
{
  static const struct {
    const char *lines, *says;
  } cases[] = {
    { "", "lines.jsonl: no result lines" },
    { "\n  \n", "lines.jsonl: no result lines" },
    { "{}\n{\"a\":\n", "lines.jsonl:2: not JSON" },
    { "{}\nnonsense\n", "lines.jsonl:2: not JSON" },
    { "\n\n[1]\n", "lines.jsonl:3: JSON, but no object" },
    { "{\"a\":\"\xff\"}", "lines.jsonl:1: not UTF-8" },
    { "{\"scenario\":\"x\"}", "lines.jsonl:1: a scenario without \"label\"" },
    { "{\"scenario\":\"x\",\"label\":\"y\"}", "lines.jsonl:1: a scenario without \"target\"" },
    { SCENARIO "}", "lines.jsonl:1: \"pass\" is not true or false" },
    { SCENARIO ",\"pass\":1}", "\"pass\" is not true or false" },
    { SCENARIO ",\"pass\":true,\"failed\":\"x\"}", "\"failed\" is not a list of texts" },
    { SCENARIO ",\"pass\":true,\"failed\":[1]}", "\"failed\" is not a list of texts" },
    { SCENARIO ",\"pass\":true,\"latency\":{\"samples\":[]}}", "no \"patience_ms\" above 0" },
    { SCENARIO ",\"pass\":true,\"latency\":{\"patience_ms\":1,\"samples\":7}}",
        "\"latency.samples\" is not a list" },
    { SCENARIO ",\"pass\":true,\"latency\":{\"patience_ms\":1,\"samples\":[[1]]}}",
        "\"latency.samples\" is not a list" },
    { SCENARIO ",\"pass\":true,\"latency\":{\"patience_ms\":1,\"samples\":[[null,1]]}}",
        "\"latency.samples\" is not a list" },
    { SCENARIO
        ",\"pass\":true,\"sockets\":[[1,2,3]],\"latency\":{\"patience_ms\":1,\"samples\":[]}}",
        "\"sockets\" is not a list" },
    { SCENARIO ",\"pass\":true,\"events\":[[1,2]],\"latency\":{\"patience_ms\":1,\"samples\":[]}}",
        "\"events\" is not a list" },
    { "{\"bench\":\"x\",\"value\":1}", "a bench without \"case\"" },
    { "{\"bench\":\"x\",\"value\":1,\"case\":\"y\",\"unit\":\"us\",\"bound_is\":\"about\"}",
        "\"bound_is\" is neither" },
  };

  (void) data;
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_auto (Ended) ended = { 0 };

    g_assert_true (g_file_set_contents ("lines.jsonl", cases[i].lines, -1, NULL));
    ended = make_page (fixture, "lines.jsonl");
    assert_wrong (&ended, cases[i].says);
    g_assert_false (g_file_test (fixture->page, G_FILE_TEST_EXISTS));
  }
}

static void
test_bad_use (Fixture *fixture, gconstpointer data)
{
  static const char *const full = FIXTURES "/full.jsonl";
  const struct {
    const char *argv[7], *says;
  } cases[] = {
    { { REPORT_PROGRAM, full }, "where to?" },
    { { REPORT_PROGRAM, "--out", fixture->out }, "no file of result lines" },
    { { REPORT_PROGRAM, "--nonsense" }, "--nonsense" },
    { { REPORT_PROGRAM, "--out", fixture->out, "absent.jsonl" }, "absent.jsonl" },
    { { REPORT_PROGRAM, "--out", fixture->out, fixture->dir }, fixture->dir },
    { { REPORT_PROGRAM, "--out", full, full }, "cannot make the folder" },
    { { REPORT_PROGRAM, "--out", "/proc/nowhere", full }, "cannot make the folder /proc/nowhere" },
    { { REPORT_PROGRAM, "--picture", "latency-real", full }, "belong together" },
    { { REPORT_PROGRAM, "--picture", "nonsense", "--svg", "x.svg", full },
        "have: latency-real latency-real-narrow sockets-real-before" },
    { { REPORT_PROGRAM, "--picture", "latency-real", "--svg", "/proc/x.svg", full },
        "/proc/x.svg" },
  };

  (void) data;
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_auto (Ended) ended = spawn (cases[i].argv, NULL);

    assert_wrong (&ended, cases[i].says);
  }
}

static void
test_no_gnuplot (Fixture *fixture, gconstpointer data)
{
  const char *const argv[] = { REPORT_PROGRAM, "--out", fixture->out, FIXTURES "/full.jsonl",
    NULL };
  g_autofree gchar *broken = g_build_filename (fixture->dir, "gnuplot", NULL);

  (void) data;
  {
    g_auto (Ended) ended = spawn (argv, fixture->dir);

    assert_wrong (&ended, "apt-get install gnuplot-nox");
  }
  g_assert_true (g_file_set_contents (
      broken, "#!/bin/sh\n/bin/cat >/dev/null\necho 'no svg here' >&2\n", -1, NULL));
  g_assert_cmpint (g_chmod (broken, 0755), ==, 0);
  {
    g_auto (Ended) ended = spawn (argv, fixture->dir);

    assert_wrong (&ended, "no svg here");
  }
  g_assert_true (
      g_file_set_contents (broken, "#!/bin/sh\nexec <&-\necho gone >&2\nexit 1\n", -1, NULL));
  g_assert_cmpint (g_chmod (broken, 0755), ==, 0);
  {
    g_auto (Ended) ended = spawn (argv, fixture->dir);

    assert_wrong (&ended, "gnuplot"); /* the script went nowhere, or into the pipe's buffer */
  }
}

/* A page that cannot be made leaves the last one alone, and nothing else beside it. */
static void
test_old_page_stays (Fixture *fixture, gconstpointer data)
{
  g_autofree gchar *before = good_page (fixture, FIXTURES "/full.jsonl");
  g_autofree gchar *after = NULL;
  g_autoptr (GDir) dir = NULL;

  (void) data;
  g_assert_true (g_file_set_contents ("lines.jsonl", "{", -1, NULL));
  {
    g_auto (Ended) ended = make_page (fixture, "lines.jsonl");

    assert_wrong (&ended, "lines.jsonl:1");
  }
  after = contents (fixture->page);
  g_assert_cmpstr (before, ==, after);
  dir = g_dir_open (fixture->out, 0, NULL);
  g_assert_cmpstr (g_dir_read_name (dir), ==, "index.html");
  g_assert_null (g_dir_read_name (dir));
}

static void
test_pictures (Fixture *fixture, gconstpointer data)
{
  static const char *const names[] = { "latency-real", "latency-real-narrow", "sockets-real-before",
    "sockets-real-after", "bench-cost", "bench-rate", "bench-unbound", "bench-cost-narrow" };

  (void) fixture;
  (void) data;
  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    const char *const argv[] = { REPORT_PROGRAM, "--picture", names[i], "--svg", "x.svg",
      FIXTURES "/full.jsonl", NULL };
    g_auto (Ended) ended = spawn (argv, NULL);
    g_autofree gchar *svg = NULL;

    g_assert_cmpstr (ended.err, ==, "");
    g_assert_cmpint (ended.status, ==, 0);
    svg = contents ("x.svg");
    g_assert_true (g_str_has_prefix (svg, "<svg "));
    g_assert_cmpuint (count_well_formed_pictures (svg), ==, 1);
    assert_has (svg, "prefers-color-scheme: dark");
    assert_has (svg, "<title>");
    assert_has (svg, "<desc>");
    /* The ink that was asked for has become a class. */
    assert_has_not (svg, "rgb(");
  }
}

static void
test_text (Fixture *fixture, gconstpointer data)
{
  const char *const argv[] = { REPORT_PROGRAM, "--text", FIXTURES "/full.jsonl", NULL };
  const char *const hostile[] = { REPORT_PROGRAM, "--text", FIXTURES "/hostile.jsonl", NULL };
  g_auto (Ended) ended = spawn (argv, fixture->dir); /* no gnuplot is needed */
  g_auto (Ended) other = spawn (hostile, fixture->dir);

  (void) data;
  g_assert_cmpstr (ended.err, ==, "");
  g_assert_cmpint (ended.status, ==, 0);
  assert_has (ended.out, "[real Wolf]");
  assert_has (ended.out, "✕ /cancel: no answer in 8");
  assert_has (ended.out, "✓ /cancel: 41");
  assert_has (ended.out, "✕ NOT HELD: 7 of 9 pipelines see EOS");
  assert_has (ended.out, "? fault not shown: 9 of 9");
  assert_has (ended.out, "with one fix off each: 4 runs, 1 faults, 2 not as expected");
  assert_has (ended.out, "✕ MISSED: 1.3");
  g_assert_cmpint (other.status, ==, 0);
  for (const char *at = other.out; *at != '\0'; at++)
    g_assert_true ((guchar) *at >= 0x20 || *at == '\n');
}

int
main (int argc, char **argv)
{
  static const struct {
    const char *name;
    void (*run) (Fixture *fixture, gconstpointer data);
  } tests[] = {
    { "/report/full", test_full },
    { "/report/links", test_links },
    { "/report/empty-sections", test_empty_sections },
    { "/report/hostile", test_hostile },
    { "/report/checks", test_checks },
    { "/report/bad-lines", test_bad_lines },
    { "/report/bad-use", test_bad_use },
    { "/report/no-gnuplot", test_no_gnuplot },
    { "/report/old-page-stays", test_old_page_stays },
    { "/report/pictures", test_pictures },
    { "/report/text", test_text },
  };

  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (tests); i++)
    g_test_add (tests[i].name, Fixture, NULL, set_up, tests[i].run, tear_down);
  return g_test_run ();
}
