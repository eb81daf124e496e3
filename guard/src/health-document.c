/* SPDX-License-Identifier: MIT
 *
 * The document, as docs/health.md has it: fields are added there in the same commit.
 */
#include "clock.h"
#include "health-private.h"

#include <string.h>
#include <unistd.h>

static const char *
level_name (WgHealthLevel level)
{
  return level == WG_HEALTH_OK ? "ok" : level == WG_HEALTH_DEGRADED ? "degraded" : "failing";
}

static void
write_verdict (WgJson *json, const WgHealthFacts *facts, const WgVerdict *verdict)
{
  wg_json_text (json, "status", level_name (verdict->level));
  wg_json_open (json, "reasons", '[');
  for (guint i = 0; i < verdict->count; i++) {
    const WgReason *reason = &verdict->reasons[i];

    wg_json_open (json, NULL, '{');
    wg_json_text (json, "code", reason->code);
    wg_json_text (json, "level", level_name (reason->level));
    wg_json_text (json, "text", reason->text);
    wg_json_seconds (json, "since_s", facts->now - reason->since);
    wg_json_close (json, '}');
  }
  wg_json_close (json, ']');
}

static const char *const levels[] = { "fine", "slow", "stuck", "lost" };

static void
write_thread (WgJson *json, const WgHealthFacts *facts, guint i)
{
  const WgWatchThread *thread = &facts->threads[i];
  gboolean busy = thread->depth > 0 && thread->since;

  wg_json_open (json, NULL, '{');
  wg_json_number (json, "tid", (guint64) thread->tid);
  wg_json_text (json, "name", facts->names[i]);
  wg_json_text (json, "operation", thread->depth ? thread->operations[thread->depth - 1] : NULL);
  wg_json_number (json, "depth", thread->depth);
  wg_json_seconds (json, "age_s", busy ? facts->watch_now - thread->since : 0);
  wg_json_text (json, "level", busy ? levels[thread->level] : "idle");
  wg_json_close (json, '}');
}

static void
write_threads (WgJson *json, const WgHealthFacts *facts)
{
  const WgWatchStatus *status = &facts->watch.status;
  guint shown = MIN (facts->watch.count, WG_HEALTH_THREADS);

  wg_json_open (json, "threads", '{');
  wg_json_bool (json, "scanned", facts->watch.scanning && !(facts->missing & WG_BOOK_WATCH));
  wg_json_number (json, "watched", facts->watch.count);
  wg_json_number (json, "slow", status->slow);
  wg_json_number (json, "stuck", status->stuck);
  wg_json_number (json, "lost", status->lost);
  wg_json_number (json, "episodes", status->episodes);
  wg_json_number (json, "without_slot", status->without_slot);
  if (facts->missing & WG_BOOK_THREADS) {
    wg_json_null (json, "recorded");
    wg_json_null (json, "unexpected_ends");
  } else {
    wg_json_number (json, "recorded", facts->ends.alive);
    wg_json_number (json, "unexpected_ends", facts->ends.unexpected);
  }
  wg_json_open (json, "list", '[');
  for (guint i = 0; i < shown; i++)
    write_thread (json, facts, i);
  wg_json_close (json, ']');
  wg_json_number (json, "left_out", facts->watch.count - shown);
  wg_json_close (json, '}');
}

static void
write_loop (WgJson *json, const WgBeatBook *book)
{
  wg_json_open (json, NULL, '{');
  wg_json_text (json, "name", book->name);
  wg_json_text (json, "kind", book->kind == WG_BEAT_STREAM ? "stream" : "loop");
  wg_json_number (json, "tid", (guint64) book->tid);
  wg_json_text (json, "operation", book->where);
  wg_json_seconds (json, "age_s", book->age);
  wg_json_text (json, "level", levels[book->level]);
  wg_json_close (json, '}');
}

static void
write_loops (WgJson *json, const WgHealthFacts *facts)
{
  const WgBeatCounts *counts = &facts->beat_counts;
  guint shown = MIN (counts->count, WG_HEALTH_LOOPS);

  if (facts->missing & WG_BOOK_BEATS) {
    wg_json_null (json, "loops");
    return;
  }
  wg_json_open (json, "loops", '{');
  wg_json_number (json, "watched", counts->count);
  wg_json_number (json, "slow", counts->now[WG_WATCH_SLOW]);
  wg_json_number (json, "stuck", counts->now[WG_WATCH_STUCK]);
  wg_json_number (json, "lost", counts->now[WG_WATCH_LOST]);
  wg_json_number (json, "episodes", counts->episodes);
  wg_json_number (json, "refused", counts->refused);
  wg_json_open (json, "list", '[');
  for (guint i = 0; i < shown; i++)
    write_loop (json, &facts->beats[i]);
  wg_json_close (json, ']');
  wg_json_number (json, "left_out", counts->count - shown);
  wg_json_close (json, '}');
}

static void
write_canary (WgJson *json, const WgHealthFacts *facts)
{
  if (facts->missing & WG_BOOK_CANARY) {
    wg_json_null (json, "canary");
    return;
  }
  wg_json_open (json, "canary", '{');
  wg_json_number (json, "runs", facts->canary.runs);
  wg_json_text (json, "failure", *facts->canary.why ? facts->canary.why : NULL);
  wg_json_close (json, '}');
}

static void
write_pipeline (WgJson *json, const WgHealthFacts *facts, const WgPipelineBook *book)
{
  static const char *const states[] = { "live", "ending", "quarantine" };

  wg_json_open (json, NULL, '{');
  wg_json_text (json, "name", book->name);
  wg_json_text (json, "session", book->session);
  wg_json_text (json, "state", states[book->state]);
  wg_json_text (json, "call", *book->call ? book->call : NULL);
  wg_json_seconds (json, "call_s", *book->call ? facts->now - book->call_since : 0);
  wg_json_seconds (json, "ending_s", book->asked ? facts->now - book->asked : 0);
  wg_json_close (json, '}');
}

static void
write_pipelines (WgJson *json, const WgHealthFacts *facts)
{
  const WgPipelineCounts *counts = &facts->pipeline_counts;

  if (facts->missing & WG_BOOK_PIPELINES) {
    wg_json_null (json, "pipelines");
    return;
  }
  wg_json_open (json, "pipelines", '{');
  wg_json_number (json, "live", counts->live);
  wg_json_number (json, "ending", counts->ending);
  wg_json_number (json, "quarantine", counts->kept);
  wg_json_open (json, "list", '[');
  for (guint i = 0; i < counts->count; i++)
    write_pipeline (json, facts, &facts->pipelines[i]);
  wg_json_close (json, ']');
  wg_json_number (json, "left_out", counts->live + counts->ending + counts->kept - counts->count);
  wg_json_close (json, '}');
}

static void
write_quarantine (WgJson *json, const WgHealthFacts *facts)
{
  const WgQuarantineStatus *status = &facts->quarantine;

  if (facts->missing & WG_BOOK_QUARANTINE) {
    wg_json_null (json, "quarantine");
    return;
  }
  wg_json_open (json, "quarantine", '{');
  wg_json_number (json, "now", status->now);
  wg_json_number (json, "max", status->max);
  wg_json_number (json, "entered", status->entered);
  wg_json_number (json, "recovered", status->recovered);
  wg_json_seconds (json, "oldest_s", (gint64) (status->oldest_s * G_USEC_PER_SEC));
  wg_json_close (json, '}');
}

static void
write_dispatcher_lists (WgJson *json, const WgHealthFacts *facts)
{
  wg_json_open (json, "queues", '[');
  for (guint i = 0; i < facts->dispatch.queues; i++) {
    wg_json_open (json, NULL, '{');
    wg_json_text (json, "name", facts->queues[i].name);
    wg_json_number (json, "length", facts->queues[i].length);
    wg_json_bool (json, "running", facts->queues[i].running);
    wg_json_close (json, '}');
  }
  wg_json_close (json, ']');
  wg_json_open (json, "tasks", '[');
  for (guint i = 0; i < facts->dispatch.tasks; i++) {
    wg_json_open (json, NULL, '{');
    wg_json_text (json, "what", facts->tasks[i].what);
    wg_json_text (json, "queue", facts->tasks[i].queue);
    wg_json_seconds (json, "age_s", facts->now - facts->tasks[i].began);
    wg_json_bool (json, "lost", facts->tasks[i].lost);
    wg_json_close (json, '}');
  }
  wg_json_close (json, ']');
}

static void
write_dispatcher (WgJson *json, const WgHealthFacts *facts)
{
  const WgDispatchStatus *status = &facts->dispatch.status;

  if (facts->missing & WG_BOOK_DISPATCH) {
    wg_json_null (json, "dispatcher");
    return;
  }
  wg_json_open (json, "dispatcher", '{');
  wg_json_number (json, "queued", status->queued);
  wg_json_number (json, "running", status->running);
  wg_json_number (json, "threads", status->threads);
  wg_json_number (json, "lost", status->lost);
  wg_json_number (json, "lost_max", status->lost_max);
  wg_json_number (json, "posted", status->posted);
  wg_json_number (json, "ran", status->ran);
  wg_json_number (json, "written_off", status->written_off);
  wg_json_number (json, "recovered", status->recovered);
  wg_json_number (json, "refused", status->refused);
  wg_json_number (json, "dropped_late", status->dropped_late);
  wg_json_number (json, "dropped_closed", status->dropped_closed);
  wg_json_number (json, "cancelled", status->cancelled);
  write_dispatcher_lists (json, facts);
  wg_json_close (json, '}');
}

static void
write_locks (WgJson *json, const WgHealthFacts *facts)
{
  wg_json_open (json, "locks", '[');
  for (guint i = 0; i < facts->lock_count; i++) {
    const WgLockCounts *counts = &facts->locks[i];

    wg_json_open (json, NULL, '{');
    wg_json_text (json, "of", facts->lock_names[i]);
    wg_json_number (json, "recovered", counts->recovered);
    wg_json_number (json, "timeouts", counts->timeouts);
    wg_json_number (json, "relocks", counts->relocks);
    wg_json_number (json, "foreign", counts->foreign);
    wg_json_number (json, "orphaned", counts->orphaned);
    wg_json_number (json, "orphans", counts->orphans);
    wg_json_close (json, '}');
  }
  wg_json_close (json, ']');
}

static void
write_rest (WgJson *json, const WgHealthFacts *facts, const WgHealthSelf *self)
{
  wg_json_open (json, "descriptors", '{');
  wg_json_number (json, "used", facts->fds);
  wg_json_number (json, "max", facts->fds_max);
  wg_json_close (json, '}');
  wg_json_open (json, "readers", '{');
  wg_json_number (json, "served", self->served);
  wg_json_number (json, "dropped", self->dropped);
  wg_json_close (json, '}');
}

gsize
wg_health_write (
    const WgHealthFacts *facts, const WgVerdict *verdict, const WgHealthSelf *self, char *text)
{
  static const char too_large[] = "{\"schema\":1,\"status\":\"failing\"}\n";
  WgJson json = { .text = text, .size = WG_HEALTH_DOCUMENT_MAX - 1 };

  wg_json_open (&json, NULL, '{');
  wg_json_number (&json, "schema", WG_HEALTH_SCHEMA);
  write_verdict (&json, facts, verdict);
  wg_json_text (&json, "version", self->version);
  wg_json_number (&json, "pid", (guint64) getpid ());
  wg_json_seconds (&json, "uptime_s", facts->now - self->started);
  write_threads (&json, facts);
  write_loops (&json, facts);
  write_canary (&json, facts);
  write_pipelines (&json, facts);
  write_quarantine (&json, facts);
  write_dispatcher (&json, facts);
  write_locks (&json, facts);
  write_rest (&json, facts, self);
  wg_json_close (&json, '}');
  if (json.overflow) { /* the limits of the lists and texts do not allow it */
    memcpy (text, too_large, sizeof too_large);
    return sizeof too_large - 1;
  }
  text[json.length++] = '\n';
  text[json.length] = 0;
  return json.length;
}
