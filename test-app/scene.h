/* SPDX-License-Identifier: MIT */
#ifndef VP_TEST_APP_SCENE_H
#define VP_TEST_APP_SCENE_H

/* What phase 10 draws, without any Vulkan: meshes, matrices, a texture, and how they move from frame to frame. All of
 * it comes from plain arithmetic, so that every machine computes the same. */

#include <stdint.h>

#define SCENE_VERTICES 1400
#define SCENE_INDICES 8192
#define SCENE_OBJECTS 7
#define SCENE_TEXTURE 256

struct scene_vertex {
   float position[3];
   float normal[3];
   float coordinate[2];
};

enum scene_mesh { SCENE_CUBE, SCENE_SPHERE, SCENE_TORUS, SCENE_QUAD, SCENE_MESHES };

struct scene_geometry {
   struct scene_vertex vertices[SCENE_VERTICES];
   uint16_t indices[SCENE_INDICES];
   uint32_t vertex_count;
   uint32_t index_count;
   struct {
      uint32_t first_index;
      uint32_t index_count;
      int32_t first_vertex;
   } meshes[SCENE_MESHES];
};

/* As the shaders see them. Matrices are stored column after column. */
struct scene_frame {
   float view_projection[16];
   float light[4]; /* direction towards the light, and the ambient part */
};

struct scene_object {
   float model[16];
   float tint[4]; /* alpha 0: given in clip space, unlit */
};

void scene_build(struct scene_geometry *geometry);
/* SCENE_TEXTURE squared RGBA texels. */
void scene_paint(uint8_t *texels);
void scene_frame_at(uint32_t frame, float aspect, struct scene_frame *out);
/* The last two objects are the depth markers: a small red one drawn first, a larger green one behind it. */
void scene_objects_at(uint32_t frame, struct scene_object objects[SCENE_OBJECTS],
                      enum scene_mesh meshes[SCENE_OBJECTS]);

/* Clip-space squares of the markers, as centre and half edge; x and y are the same. */
#define SCENE_MARKER_CENTRE (-0.8f)
#define SCENE_MARKER_RED 0.05f
#define SCENE_MARKER_GREEN 0.12f

#endif
