/* SPDX-License-Identifier: MIT
 *
 * The ward's inner side. Its mutex is a leaf: taken last, held for a list operation.
 */
#pragma once

#include <wolf-guard/pipeline.h>
#include <wolf-guard/ward.h>

/* Take `pipeline` in, with a reference of the ward's own. The pipeline's mutex may be held. */
void wg_ward_add (WgPipeline *pipeline);

/* Let `pipeline` go, if it is there. */
void wg_ward_remove (WgPipeline *pipeline);

/* "'NAME' of session S: CALL since T s", what the keeper reports; free with g_free(). Takes the
 * pipeline's mutex for copying, calls nothing. */
char *wg_pipeline_describe (WgPipeline *pipeline);
