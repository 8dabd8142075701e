/* SPDX-License-Identifier: MIT */
#ifndef VP_TEST_APP_PHASE_07_EXECUTION_H
#define VP_TEST_APP_PHASE_07_EXECUTION_H

/* What the parts of phase 7 share: a buffer for what goes to the device, one for what comes back, and what must. */

#include "test-app/app.h"

#define EXECUTION_STAGING (4u << 20) /* bytes of either buffer */

struct execution {
   struct app_context ctx;
   struct app_test *test;
   struct app_buffer upload;
   struct app_buffer readback;
   uint8_t *expected; /* EXECUTION_STAGING bytes */
   uint64_t seed;
};

bool execution_has_graphics(const struct execution *f);
/* From the target of a copy to the source of one. */
void execution_cmd_to_source(VkCommandBuffer commands, const struct app_image *image);
/* Whatever the image held is lost. */
void execution_cmd_to_target(VkCommandBuffer commands, const struct app_image *image);
/* Level 0 and layer 0 of an image, whole, from offset 0 of a buffer or to it. */
VkBufferImageCopy execution_whole(uint32_t width, uint32_t height, VkImageAspectFlags aspect);

/* phase_07_copies.c */
void execution_check_copy_chain(struct execution *f);
void execution_check_round_trips(struct execution *f);

/* phase_07_clears.c; the second needs a graphics queue */
void execution_check_clears(struct execution *f);
void execution_check_pass_clears(struct execution *f);

/* phase_07_blits.c; the last two need a graphics queue */
void execution_check_image_copy(struct execution *f);
void execution_check_copy2(struct execution *f);
void execution_check_blits(struct execution *f);
void execution_check_resolve(struct execution *f);

#endif
