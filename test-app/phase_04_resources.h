/* SPDX-License-Identifier: MIT */
#ifndef VP_TEST_APP_PHASE_04_RESOURCES_H
#define VP_TEST_APP_PHASE_04_RESOURCES_H

/* The parts of phase 4; each function checks one thing and leaves nothing behind. */

#include "test-app/app.h"

/* phase_04_memory.c */
void resources_check_memory(struct app_context *ctx);
void resources_check_many_allocations(struct app_context *ctx);
void resources_check_buffers(struct app_context *ctx);
void resources_check_bind_and_views(struct app_context *ctx);
void resources_check_images(struct app_context *ctx);
void resources_check_cube_and_swizzle(struct app_context *ctx);
void resources_check_linear_layout(struct app_context *ctx);

/* phase_04_descriptors.c */
void resources_check_samplers(struct app_context *ctx);
void resources_check_layouts(struct app_context *ctx);
void resources_check_descriptors(struct app_context *ctx);

#endif
