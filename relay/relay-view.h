/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * relay-view.h: a buffer with timestamps of its own, and the memory of another.
 *
 * A shallow copy of a pool's buffer shares its memory. A pool throws a buffer away that comes back
 * while its memory is shared. So a view keeps the original, and gives it back only after it has let
 * go of the memory.
 */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/* @buffer: (transfer full). Returns: (transfer full): it, if nobody else has it, or a view of it;
 * its timestamps, offsets, flags may be changed */
GstBuffer *relay_view_new (GstBuffer *buffer);

G_END_DECLS
