/* SPDX-License-Identifier: MIT */
/* Phase 11: the scene that rays are sent through, and the same on the host, one triangle after another. */

#include <math.h>
#include <string.h>

#include "test-app/phase_11_ray.h"

const float ray_ground_vertices[RAY_GROUND_VERTICES][3] = {
   {-12.0f, 0.0f, -6.0f}, {12.0f, 0.0f, -6.0f}, {12.0f, 0.0f, 18.0f}, {-12.0f, 0.0f, 18.0f}};
const float ray_solid_vertices[RAY_SOLID_VERTICES][3] = {{1.0f, 0.0f, 0.0f},  {-1.0f, 0.0f, 0.0f}, {0.0f, 1.0f, 0.0f},
                                                         {0.0f, -1.0f, 0.0f}, {0.0f, 0.0f, 1.0f},  {0.0f, 0.0f, -1.0f}};
const uint16_t ray_ground_indices[RAY_GROUND_TRIANGLES][3] = {{0, 1, 2}, {0, 2, 3}};
const uint16_t ray_solid_indices[RAY_SOLID_TRIANGLES][3] = {{0, 2, 4}, {4, 2, 1}, {1, 2, 5}, {5, 2, 0},
                                                            {0, 4, 3}, {4, 1, 3}, {1, 5, 3}, {5, 0, 3}};
const uint32_t ray_tints[RAY_INSTANCES] = {0, 0x3040ff, 0x40e060, 0xff9030, 0x30d0ff, 0xe060d0};

/* Place, size, and the turn around the upright axis. */
static const struct {
   float x, y, z, size, sine, cosine;
} places[RAY_INSTANCES] = {
   {0.0f, 0.0f, 0.0f, 1.0f, 0.0f, 1.0f},   {-3.0f, 1.0f, 1.0f, 1.0f, 0.28f, 0.96f},
   {0.0f, 1.5f, 0.5f, 1.5f, 0.6f, 0.8f},   {2.8f, 0.8f, -1.0f, 0.8f, 0.0f, 1.0f},
   {-1.5f, 0.6f, -2.5f, 0.6f, 0.8f, 0.6f}, {4.0f, 2.0f, 4.0f, 2.0f, 0.28f, 0.96f},
};

void ray_transform(uint32_t instance, float matrix[3][4])
{
   const float s = places[instance].size;
   const float rows[3][4] = {
      {s * places[instance].cosine, 0.0f, s * places[instance].sine, places[instance].x},
      {0.0f, s, 0.0f, places[instance].y},
      {-s * places[instance].sine, 0.0f, s * places[instance].cosine, places[instance].z},
   };
   memcpy(matrix, rows, sizeof(rows));
}

uint8_t ray_mask(uint32_t instance)
{
   return instance == RAY_INSTANCES - 1 ? 2 : 1;
}

struct hit {
   float distance; /* below 0: none */
   uint32_t instance;
   uint32_t face;
};

/* All triangles, in the world. */
struct world {
   float corners[RAY_INSTANCES][RAY_SOLID_TRIANGLES][3][3];
};

static void cross(const float a[3], const float b[3], float result[3])
{
   for (int i = 0; i < 3; i++)
      result[i] = a[(i + 1) % 3] * b[(i + 2) % 3] - a[(i + 2) % 3] * b[(i + 1) % 3];
}

static float dot(const float a[3], const float b[3])
{
   return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

static void make_world(struct world *world)
{
   for (uint32_t i = 0; i < RAY_INSTANCES; i++) {
      float matrix[3][4];
      ray_transform(i, matrix);
      for (uint32_t t = 0; t < (i == 0 ? RAY_GROUND_TRIANGLES : RAY_SOLID_TRIANGLES); t++) {
         for (uint32_t c = 0; c < 3; c++) {
            const float *vertex =
               i == 0 ? ray_ground_vertices[ray_ground_indices[t][c]] : ray_solid_vertices[ray_solid_indices[t][c]];
            for (uint32_t axis = 0; axis < 3; axis++)
               world->corners[i][t][c][axis] = dot(matrix[axis], vertex) + matrix[axis][3];
         }
      }
   }
}

/* Where a ray meets a triangle; below 0: nowhere. */
static float meet(const float corners[3][3], const float origin[3], const float direction[3])
{
   float first[3];
   float second[3];
   float from[3];
   float p[3];
   float q[3];
   for (int i = 0; i < 3; i++) {
      first[i] = corners[1][i] - corners[0][i];
      second[i] = corners[2][i] - corners[0][i];
      from[i] = origin[i] - corners[0][i];
   }
   cross(direction, second, p);
   cross(from, first, q);
   const float volume = dot(first, p);
   if (fabsf(volume) < 1e-9f)
      return -1.0f;
   const float u = dot(from, p) / volume;
   const float v = dot(direction, q) / volume;
   return u >= 0.0f && v >= 0.0f && u + v <= 1.0f ? dot(second, q) / volume : -1.0f;
}

static struct hit nearest(const struct world *world, uint8_t mask, const float origin[3], const float direction[3],
                          float least)
{
   struct hit hit = {-1.0f, 0, 0};
   for (uint32_t i = 0; i < RAY_INSTANCES; i++) {
      if (!(ray_mask(i) & mask))
         continue;
      for (uint32_t t = 0; t < (i == 0 ? RAY_GROUND_TRIANGLES : RAY_SOLID_TRIANGLES); t++) {
         const float distance = meet(world->corners[i][t], origin, direction);
         if (distance > least && distance < 100.0f && (hit.distance < 0.0f || distance < hit.distance))
            hit = (struct hit){distance, i, t};
      }
   }
   return hit;
}

static uint32_t pack(uint32_t red, uint32_t green, uint32_t blue)
{
   return red | green << 8 | blue << 16 | 0xff000000;
}

static uint32_t color_of(const struct hit *hit, const float place[3])
{
   const uint32_t tint = ray_tints[hit->instance];
   const uint32_t bright = 96 + hit->face * 22;
   if (hit->instance == 0)
      return (((int)floorf(place[0]) + (int)floorf(place[2])) & 1) == 0 ? pack(200, 190, 170) : pack(120, 110, 90);
   return pack((tint & 255) * bright / 255, (tint >> 8 & 255) * bright / 255, (tint >> 16) * bright / 255);
}

void ray_draw_here(uint32_t *pixels)
{
   static const float eye[3] = {0.0f, 2.5f, -7.0f};
   static const float light[3] = {0.5f, 0.75f, -0.4f};
   struct world world;
   make_world(&world);
   for (uint32_t y = 0; y < MODERN_HEIGHT; y++) {
      for (uint32_t x = 0; x < MODERN_WIDTH; x++) {
         const float direction[3] = {(((float)x + 0.5f) / 128.0f - 1.0f) * 0.8f,
                                     (1.0f - ((float)y + 0.5f) / 96.0f) * 0.6f - 0.28f, 1.0f};
         const struct hit hit = nearest(&world, 0xff, eye, direction, 0.0f);
         uint32_t *pixel = &pixels[y * MODERN_WIDTH + x];
         *pixel = pack(60 + y / 3, 90 + y / 3, 160 + y / 3);
         if (hit.distance < 0.0f)
            continue;
         const float place[3] = {eye[0] + direction[0] * hit.distance, eye[1] + direction[1] * hit.distance,
                                 eye[2] + direction[2] * hit.distance};
         *pixel = color_of(&hit, place);
         if (nearest(&world, 1, place, light, 0.01f).distance >= 0.0f)
            *pixel = (*pixel >> 1 & 0x7f7f7f) | 0xff000000;
      }
   }
}
