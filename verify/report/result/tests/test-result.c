/* SPDX-License-Identifier: MIT */
/* test-result.c: what judges everything else: a wrong verdict fails here. */
#include "result.h"
#include "tally.h"

#include <glib/gstdio.h>
#include <stdlib.h>

/* What a scenario found, and what has to come of it. */
typedef struct {
  const gchar *name, *label;
  ResultCure lacks;
  gboolean fault_shown, held, in_time, so;
  const gchar *verdict;
  gboolean chance, load;
  const gchar *text; /* a part of the line, or NULL */
} Case;

#define FAULT TRUE
#define NO_FAULT FALSE
#define HELD TRUE
#define BROKEN FALSE
#define IN_TIME TRUE
#define LATE FALSE
#define SO TRUE
#define NOT_SO FALSE

static const Case cases[] = {
  { "before/fault", "before", 0, FAULT, BROKEN, LATE, SO, "pass", FALSE, FALSE, "\"faults\":1" },
  { "before/no-fault", "before", 0, NO_FAULT, HELD, IN_TIME, SO, "inconclusive", TRUE, FALSE,
      "\"not_shown\":[\"the fault\"]" },
  { "before/not-so", "before", 0, FAULT, HELD, IN_TIME, NOT_SO, "fail", FALSE, TRUE,
      "not so: the condition" },
  { "before/no-fault-not-so", "before", 0, NO_FAULT, HELD, IN_TIME, NOT_SO, "fail", FALSE, TRUE,
      NULL },
  { "after/held", "after", 0, NO_FAULT, HELD, IN_TIME, SO, "pass", FALSE, FALSE, "\"failed\":[]" },
  { "after/broken", "after", 0, NO_FAULT, BROKEN, IN_TIME, SO, "fail", FALSE, FALSE,
      "not held: the promise" },
  { "after/late", "after", 0, NO_FAULT, HELD, LATE, SO, "fail", FALSE, TRUE, "not held: the time" },
  { "after/broken-and-late", "after", 0, NO_FAULT, BROKEN, LATE, SO, "fail", FALSE, FALSE, NULL },
  { "after/fault-shown-is-not-asked", "after", 0, FAULT, HELD, IN_TIME, SO, "pass", FALSE, FALSE,
      NULL },
  { "after/not-so", "after", 0, FAULT, HELD, IN_TIME, NOT_SO, "fail", FALSE, TRUE, NULL },
  { "without/cure-broken", "without-x", RESULT_MUST_BREAK, FAULT, BROKEN, IN_TIME, SO, "pass",
      FALSE, FALSE, "\"broken\":[\"the promise\"]" },
  { "without/cure-late", "without-x", RESULT_MUST_BREAK, FAULT, HELD, LATE, SO, "pass", FALSE,
      FALSE, "\"broken\":[\"the time\"]" },
  { "without/cure-held", "without-x", RESULT_MUST_BREAK, FAULT, HELD, IN_TIME, SO, "fail", TRUE,
      FALSE, "fault not shown: without this fix" },
  { "without/cure-not-so", "without-x", RESULT_MUST_BREAK, FAULT, BROKEN, IN_TIME, NOT_SO, "fail",
      FALSE, TRUE, NULL },
  { "without/unrelated-held", "without-x", RESULT_UNRELATED, FAULT, HELD, IN_TIME, SO, "pass",
      FALSE, FALSE, NULL },
  { "without/unrelated-broken", "without-x", RESULT_UNRELATED, FAULT, BROKEN, IN_TIME, SO, "fail",
      FALSE, FALSE, "not held: the promise" },
  { "without/unrelated-late", "without-x", RESULT_UNRELATED, FAULT, HELD, LATE, SO, "fail", FALSE,
      TRUE, NULL },
  { "without/may-break", "without-x", RESULT_MAY_BREAK, FAULT, BROKEN, LATE, SO, "pass", FALSE,
      FALSE, NULL },
  { "without/may-hold", "without-x", RESULT_MAY_BREAK, FAULT, HELD, IN_TIME, SO, "pass", FALSE,
      FALSE, NULL },
};

static gchar *
line_of (const Case *it)
{
  const ResultHead head = { "test", it->label, "commit", NULL, FALSE };
  g_autoptr (Result) result = result_new (it->name, &head);

  result_lacks (result, it->lacks);
  expect_fault (result, it->fault_shown, "the fault");
  expect_held (result, it->held, "the promise");
  expect_in_time (result, it->in_time, "the time");
  expect_both (result, it->so, "the condition");
  g_assert_cmpint (result_may_be_chance (result), ==, it->chance);
  g_assert_cmpint (result_may_be_load (result), ==, it->load);
  return result_line (result);
}

static void
test_verdict (gconstpointer data)
{
  const Case *it = data;
  g_autofree gchar *line = line_of (it);
  g_autoptr (JsonNode) node = json_from_string (line, NULL);

  g_assert_nonnull (node);
  JsonObject *object = json_node_get_object (node);
  g_assert_cmpstr (json_object_get_string_member (object, "verdict"), ==, it->verdict);
  g_assert_cmpint (
      json_object_get_boolean_member (object, "pass"), ==, g_str_equal (it->verdict, "pass"));
  g_assert_cmpstr (json_object_get_string_member (object, "label"), ==, it->label);
  if (it->text != NULL)
    g_assert_nonnull (g_strstr_len (line, -1, it->text));
}

static void
test_sides (void)
{
  g_assert_cmpint (result_side ("before"), ==, RESULT_BEFORE);
  g_assert_cmpint (result_side ("after"), ==, RESULT_AFTER);
  g_assert_cmpint (result_side ("without-stop"), ==, RESULT_BETWEEN);
  g_assert_cmpint (result_side ("anything"), ==, RESULT_NO_LABEL);
  g_assert_cmpint (result_side (NULL), ==, RESULT_NO_LABEL);
}

static void
test_times (void)
{
  const ResultHead head = { "test", "after", NULL, NULL, FALSE };
  g_autoptr (Result) result = result_new ("times", &head);

  result_ms (result, "never", -1);
  result_ms (result, "some", 1.3);
  g_autofree gchar *line = result_line (result);
  g_assert_nonnull (g_strstr_len (line, -1, "\"never\":null"));
  g_assert_nonnull (g_strstr_len (line, -1, "\"some\":1.25"));
}

/* A run of so many lines of each kind; returns its exit status. */
static gint
run_of (const gchar *path, guint shown, guint inconclusive, guint failed)
{
  const TallyOptions options = { "test", "before", path, FALSE, FALSE, 0 };
  const guint counts[] = { shown, inconclusive, failed };
  static const gchar *const lines[] = {
    "{\"scenario\":\"a\",\"faults\":1,\"verdict\":\"pass\"}",
    "{\"scenario\":\"b\",\"faults\":1,\"verdict\":\"inconclusive\",\"not_shown\":[\"x\"]}",
    "{\"scenario\":\"c\",\"verdict\":\"fail\",\"failed\":[\"not so: y\"]}",
  };
  Tally tally;

  g_assert_true (tally_open (&tally, &options));
  for (guint kind = 0; kind < G_N_ELEMENTS (counts); kind++)
    for (guint i = 0; i < counts[kind]; i++)
      tally_add (&tally, lines[kind]);
  return tally_close (&tally);
}

static void
test_exit_status (void)
{
  g_assert_cmpint (run_of (NULL, 0, 0, 0), ==, EXIT_FAILURE); /* nothing ran */
  g_assert_cmpint (run_of (NULL, 3, 0, 0), ==, EXIT_SUCCESS);
  g_assert_cmpint (run_of (NULL, 3, 0, 1), ==, EXIT_FAILURE);
  g_assert_cmpint (run_of (NULL, 2, 1, 0), ==, EXIT_SUCCESS); /* a third is allowed */
  g_assert_cmpint (run_of (NULL, 3, 2, 0), ==, EXIT_FAILURE); /* more is not */
  g_assert_cmpint (run_of (NULL, 0, 1, 0), ==, EXIT_FAILURE); /* no fault shows at all */
}

static guint
count_lines (const gchar *path)
{
  g_autofree gchar *text = NULL;

  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  return g_strv_length (lines) - 1;
}

static void
test_file (void)
{
  g_autofree gchar *folder = g_dir_make_tmp ("test-result-XXXXXX", NULL);
  g_autofree gchar *path = g_build_filename (folder, "lines", NULL);
  const TallyOptions more = { "test", "before", path, TRUE, FALSE, 0 };
  const TallyOptions nowhere = { "test", "before", folder, TRUE, FALSE, 0 };
  Tally tally;

  run_of (path, 3, 0, 0);
  run_of (path, 2, 0, 0);
  g_assert_cmpuint (count_lines (path), ==, 2); /* replaced */
  g_assert_true (tally_open (&tally, &more));
  tally_add (&tally, "no line");
  g_assert_cmpint (tally_close (&tally), ==, EXIT_FAILURE);
  g_assert_cmpuint (count_lines (path), ==, 3);
  g_assert_false (tally_open (&tally, &nowhere));
  g_unlink (path);
  g_rmdir (folder);
}

static void
test_chooses (void)
{
  g_assert_true (tally_chooses (NULL, "cancel-dead"));
  g_assert_true (tally_chooses ("abuse,cancel-*", "cancel-dead"));
  g_assert_false (tally_chooses ("abuse,race-*", "cancel-dead"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree gchar *path = g_strconcat ("/verdict/", cases[i].name, NULL);
    g_test_add_data_func (path, &cases[i], test_verdict);
  }
  g_test_add_func ("/sides", test_sides);
  g_test_add_func ("/times", test_times);
  g_test_add_func ("/tally/exit-status", test_exit_status);
  g_test_add_func ("/tally/file", test_file);
  g_test_add_func ("/tally/chooses", test_chooses);
  return g_test_run ();
}
