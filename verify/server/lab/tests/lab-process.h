/* SPDX-License-Identifier: MIT
 *
 * lab-process.h: a wolf-lab in a folder of its own, with one paired client and a stranger, asked by
 * wolf-probe.
 *
 * Every function blocks, at most for its time limit. What goes wrong beyond a test's own subject
 * aborts it.
 */
#pragma once

#include <gio/gio.h>
#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* Starting on a loaded machine, a sanitizer in it; or any answer. */
#define LAB_SOON_MS 60000

typedef struct LabProcess LabProcess;

/* Takes options up to NULL, and waits for the line that says ready. */
LabProcess *lab_process_start (const gchar *first, ...) G_GNUC_NULL_TERMINATED;

/* Ends it by SIGKILL if it runs, and removes its folder. */
void lab_process_free (LabProcess *lab);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (LabProcess, lab_process_free)

GPid lab_process_pid (const LabProcess *lab);

/* Runs wolf-probe as the paired client (or the stranger); takes its words up to NULL, the first is
 * the command. Returns the last of its reports named `event`, or NULL; `status` (may be NULL) is
 * its exit status. */
JsonObject *lab_process_probe (LabProcess *lab, gboolean stranger, const gchar *event, gint *status,
    const gchar *command, ...) G_GNUC_NULL_TERMINATED;

/* Asks the API. The answer's status; the body in `answer` (may be NULL; newly allocated). */
gint lab_process_api (LabProcess *lab, const gchar *method, const gchar *path, const gchar *body,
    JsonObject **answer);

/* Sends SIGTERM and waits. Its exit status, or the negative number of the signal that ended it. */
gint lab_process_end (LabProcess *lab, gdouble *took_ms);

/* How many children the process has. */
guint lab_process_children (const LabProcess *lab);

/* Runs the binary with these words up to NULL, to its end. */
gint lab_process_run (gchar **out, gchar **err, const gchar *first, ...) G_GNUC_NULL_TERMINATED;

G_END_DECLS
