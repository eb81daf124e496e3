/* SPDX-License-Identifier: MIT
 *
 * Pipelines are alive while the list of them is locked, so no references are taken: the last one
 * could run the host's functions, and the reader is the health thread.
 */
#include "books.h"
#include "pipeline-private.h"

#define KEPT_MAX 256 /* objects of the quarantine that are told apart */
#define AGAIN_US 100

typedef struct {
  WgPipelineBook *books;
  guint max;
  WgPipelineCounts counts;
  gconstpointer kept[KEPT_MAX];
  guint kept_count;
  gboolean missed; /* a pipeline's mutex was taken */
} Reader;

static gboolean
is_kept (const Reader *reader, const WgPipeline *p)
{
  for (guint i = 0; i < reader->kept_count; i++)
    if (reader->kept[i] == p)
      return TRUE;
  return FALSE;
}

/* Where the next pipeline in that state belongs, or NULL: one in quarantine takes another's place
 * when there is no more room. */
static WgPipelineBook *
place (Reader *reader, WgPipelineState state)
{
  if (reader->counts.count < reader->max)
    return &reader->books[reader->counts.count++];
  for (guint i = 0; i < reader->max && state == WG_PIPELINE_KEPT; i++)
    if (reader->books[i].state != WG_PIPELINE_KEPT)
      return &reader->books[i];
  return NULL;
}

/* With the pipeline's mutex and that of the list. */
static void
look (Reader *reader, const WgPipeline *p)
{
  WgPipelineState state = p->quarantined || is_kept (reader, p) ? WG_PIPELINE_KEPT
      : p->stats.ending                                         ? WG_PIPELINE_ENDING
                                                                : WG_PIPELINE_LIVE;
  WgPipelineBook *book = place (reader, state);

  reader->counts.live += state == WG_PIPELINE_LIVE;
  reader->counts.ending += state == WG_PIPELINE_ENDING;
  reader->counts.kept += state == WG_PIPELINE_KEPT;
  if (!book)
    return;
  *book = (WgPipelineBook){ .state = state, .asked = p->asked };
  g_strlcpy (book->name, p->name, sizeof book->name);
  g_strlcpy (book->session, p->session, sizeof book->session);
  if (!p->call)
    return;
  g_strlcpy (book->call, p->call, sizeof book->call);
  book->call_since = p->call_since;
}

/* The other way round than the rest of guard, so only by a try. */
static void
try_to_look (WgPipeline *p, gpointer data)
{
  Reader *reader = data;

  if (pthread_mutex_trylock (&p->mutex)) {
    reader->missed = TRUE;
    return;
  }
  look (reader, p);
  pthread_mutex_unlock (&p->mutex);
}

static int
kept_first (gconstpointer a, gconstpointer b)
{
  return (int) ((const WgPipelineBook *) b)->state - (int) ((const WgPipelineBook *) a)->state;
}

gboolean
wg_pipeline_read (WgPipelineBook *books, guint max, WgPipelineCounts *counts, gint64 until)
{
  Reader reader = { .books = books, .max = max };
  WgQuarantineStatus status;

  if (!wg_quarantine_read (&status, reader.kept, KEPT_MAX, &reader.kept_count, until))
    return FALSE;
  for (;;) {
    reader.counts = (WgPipelineCounts){ 0 };
    reader.missed = FALSE;
    if (!wg_shutdown_each (try_to_look, &reader, until))
      return FALSE;
    if (!reader.missed)
      break;
    if (g_get_monotonic_time () >= until)
      return FALSE;
    g_usleep (AGAIN_US);
  }
  qsort (books, reader.counts.count, sizeof *books, kept_first);
  *counts = reader.counts;
  return TRUE;
}
