/* SPDX-License-Identifier: MIT
 *
 * report: JSON objects, one a line, on standard output.
 *
 * Objects are json-glib's. Lines are flushed one by one, because whoever drives this program as a
 * subprocess reads them as they come. Numbers with fractions are printed with three decimals
 * (milliseconds down to the microsecond), not with json-glib's seventeen digits.
 */
#pragma once

#include <glib.h>
#include <json-glib/json-glib.h>

/* @object as one line of text without the line end; newly allocated. */
char *probe_report_to_string (JsonObject *object);

/* Prints and flushes one line; takes @object. Not for use from several threads at once. */
void probe_report_line (JsonObject *object);

/* A new object with "event" set to @event; the caller owns it. */
JsonObject *probe_report_event (const char *event);

/* Sets @name to @text, or to null if that is NULL. */
void probe_report_set_text (JsonObject *object, const char *name, const char *text);

/* Sets @name to @ms, or to null if that is negative (never happened). */
void probe_report_set_ms (JsonObject *object, const char *name, double ms);
