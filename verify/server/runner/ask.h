/* SPDX-License-Identifier: MIT */
/*
 * ask.h: one HTTP question and how long its answer took.
 *
 * A question runs in a thread of its own and may stay unanswered, so that a scenario can look
 * around meanwhile.
 */
#pragma once

#include "result.h" /* verify/report/result */
#include "runner.h"

G_BEGIN_DECLS

typedef struct Question Question;
typedef struct {
  gboolean answered;
  gint status;
  gdouble ms;
  gchar *body;
} Answer;

void answer_clear (Answer *answer);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Answer, answer_clear)
/* NAME_ms and NAME_status. */
void result_answer (Result *result, const gchar *name, const Answer *answer);

Question *ask_https (const Runner *runner, guint number, const gchar *path, gint64 patience_ms);
/* `socket` is a unix socket in the runner's folder. */
Question *ask_socket (const Runner *runner, const gchar *socket, const gchar *method,
    const gchar *path, const gchar *body, gint64 patience_ms);
Question *ask_api (const Runner *runner, const gchar *method, const gchar *path, const gchar *body,
    gint64 patience_ms);
/* Whether it has been answered or given up; waits at most `within_ms`. */
gboolean question_is_over (Question *question, gint64 within_ms);
/* Waits until it is over (its patience limits that), frees the question. */
void question_end (Question *question, Answer *answer);

/* Both at once. */
void ask_https_now (
    const Runner *runner, guint number, const gchar *path, gint64 patience_ms, Answer *answer);
void ask_api_now (const Runner *runner, const gchar *method, const gchar *path, const gchar *body,
    gint64 patience_ms, Answer *answer);

G_END_DECLS
