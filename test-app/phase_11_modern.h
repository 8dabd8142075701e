/* SPDX-License-Identifier: MIT */
#ifndef VP_TEST_APP_PHASE_11_MODERN_H
#define VP_TEST_APP_PHASE_11_MODERN_H

/* What the parts of phase 11 share. Each has a device of its own, with the features that it tries. */

#include "test-app/app.h"

/* Of all pictures of the phase. */
#define MODERN_WIDTH 256
#define MODERN_HEIGHT 192
#define MODERN_PIXELS (MODERN_WIDTH * MODERN_HEIGHT)

struct modern {
   struct app_context ctx; /* open, without a device, when a part begins; destroyed after it */
   struct app_test *test;
   const char *part;
};

/* The parts. Each creates its device and gives true, or says what the GPU lacks and gives false. */
bool modern_ray_tracing(struct modern *m);
bool modern_mesh_shaders(struct modern *m);
bool modern_matrices(struct modern *m);
bool modern_sparse(struct modern *m);
bool modern_atomics(struct modern *m);

/* Says that the part is skipped, and why; false. */
bool modern_skip(struct modern *m, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* True, or the part is skipped. */
bool modern_has_version(struct modern *m, uint32_t version);
bool modern_has_extensions(struct modern *m, const char *const *names, uint32_t count);
bool modern_has_feature(struct modern *m, const char *name, VkBool32 supported);
/* Whether the GPU has an extension. */
bool modern_extension(const struct modern *m, const char *name);

/* A function of the device that the loader does not export; NULL, and a failed check, where there is none. */
PFN_vkVoidFunction modern_load(struct modern *m, const char *name);
#define MODERN_LOAD(m, name) ((PFN_##name)modern_load((m), #name))

/* Writes a picture of the phase; its file is named after `name`. */
bool modern_picture(struct modern *m, const char *name, const uint8_t *rgba);

/* One descriptor set, for what is more than the storage buffers of struct app_compute. */
struct modern_set {
   VkDescriptorSetLayout set_layout;
   VkPipelineLayout layout;
   VkDescriptorPool pool;
   VkDescriptorSet set;
};

#define MODERN_MAX_BINDINGS 4

/* Bindings 0..count-1 of one descriptor each. Destroy also when create gave up half-way. */
bool modern_set_create(struct modern *m, struct modern_set *set, const VkDescriptorType *types, uint32_t count,
                       VkShaderStageFlags stages);
void modern_set_destroy(struct modern *m, struct modern_set *set);
/* A compute pipeline with this layout. */
bool modern_compute_pipeline(struct modern *m, const struct app_shader *shader, VkPipelineLayout layout,
                             VkPipeline *pipeline);

#endif
