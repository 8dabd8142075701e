/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_SESSION_QUESTIONS_H
#define VP_SERVER_SESSION_QUESTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <vulkan/vulkan.h>

struct vps_context;

/* A struct by which a GPU is asked about itself. Generated, sorted by type. */
struct vps_question {
   VkStructureType type;
   uint32_t core_version;     /* a driver knows it from this version on (0: none), or with one of these extensions */
   const char *extensions[5]; /* NULL: no more */
};

extern const struct vps_question vps_questions[];
extern const size_t vps_question_count;

/* Takes out of the chain of `root` what the GPU's driver does not know. Returns all nodes that were there, for
 * vps_questions_restore(); NULL ends the session. */
VkBaseOutStructure **vps_questions_select(struct vps_context *ctx, VkPhysicalDevice gpu, void *root);

void vps_questions_restore(void *root, VkBaseOutStructure **all);

#endif
