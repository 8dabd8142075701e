/* SPDX-License-Identifier: MIT */
#ifndef VP_TEST_APP_PHASE_11_RAY_H
#define VP_TEST_APP_PHASE_11_RAY_H

/* Phase 11: what the parts of ray tracing share. */

#include "test-app/phase_11_modern.h"

/* phase_11_ray_scene.c: the scene, and what a picture of it must be. Instance 0 is the ground, the others are one solid
 * in several places. */
#define RAY_INSTANCES 6
#define RAY_GROUND_VERTICES 4
#define RAY_GROUND_TRIANGLES 2
#define RAY_SOLID_VERTICES 6
#define RAY_SOLID_TRIANGLES 8

extern const float ray_ground_vertices[RAY_GROUND_VERTICES][3];
extern const float ray_solid_vertices[RAY_SOLID_VERTICES][3];
extern const uint16_t ray_ground_indices[RAY_GROUND_TRIANGLES][3];
extern const uint16_t ray_solid_indices[RAY_SOLID_TRIANGLES][3];
extern const uint32_t ray_tints[RAY_INSTANCES];

/* Three rows of four. */
void ray_transform(uint32_t instance, float matrix[3][4]);
/* One casts no shadow. */
uint8_t ray_mask(uint32_t instance);
/* Draws the scene on the host. */
void ray_draw_here(uint32_t *pixels);

/* phase_11_ray_structures.c: the acceleration structures of the scene. */
struct ray_structure {
   VkAccelerationStructureKHR handle;
   struct app_buffer buffer;
   VkDeviceAddress address;
};

struct ray {
   struct modern *m;
   PFN_vkCreateAccelerationStructureKHR create;
   PFN_vkDestroyAccelerationStructureKHR destroy;
   PFN_vkGetAccelerationStructureBuildSizesKHR get_sizes;
   PFN_vkGetAccelerationStructureDeviceAddressKHR get_address;
   PFN_vkCmdBuildAccelerationStructuresKHR cmd_build;
   PFN_vkCmdWriteAccelerationStructuresPropertiesKHR cmd_write;
   PFN_vkCmdCopyAccelerationStructureKHR cmd_copy;
   VkDeviceSize scratch_alignment;
   struct app_buffer ground, ground_indices, solid, solid_indices, instances;
   struct ray_structure bottoms[2]; /* the ground, the solid */
   struct ray_structure top;
   struct app_buffer picture; /* what is traced, a word for each pixel */
   struct app_buffer tints;
   struct modern_set set; /* 0: top, 1: picture, 2: tints */
};

bool ray_structures_create(struct ray *r);
void ray_structures_destroy(struct ray *r);
VkDeviceAddress ray_address(struct ray *r, const struct app_buffer *buffer);

/* phase_11_ray_pipeline.c: fills the picture by a ray tracing pipeline. */
bool ray_trace_by_pipeline(struct ray *r);

#endif
