/* SPDX-License-Identifier: MIT */
#include "test-app/scene.h"

#include <math.h>
#include <string.h>

#define PI 3.14159265358979323846

/* Sine by its series: the C library's may differ in the last bit from machine to machine, and pictures are compared. */
static double sine(double angle)
{
   double turns = angle / (2.0 * PI);
   double x = (turns - floor(turns + 0.5)) * 2.0 * PI;
   double term = x;
   double sum = x;
   for (int n = 1; n <= 12; n++) {
      term *= -x * x / ((2.0 * n) * (2.0 * n + 1.0));
      sum += term;
   }
   return sum;
}

static double cosine(double angle)
{
   return sine(angle + PI / 2.0);
}

static uint16_t add_vertex(struct scene_geometry *g, int32_t base, double x, double y, double z, double nx, double ny,
                           double nz, double u, double v)
{
   g->vertices[g->vertex_count] = (struct scene_vertex){
      {(float)x, (float)y, (float)z},
      {(float)nx, (float)ny, (float)nz},
      {(float)u, (float)v},
   };
   return (uint16_t)((int32_t)g->vertex_count++ - base);
}

static void add_quad(struct scene_geometry *g, uint32_t a, uint32_t b, uint32_t c, uint32_t d)
{
   const uint32_t corners[6] = {a, b, c, a, c, d};
   for (int i = 0; i < 6; i++)
      g->indices[g->index_count++] = (uint16_t)corners[i];
}

static int32_t begin_mesh(struct scene_geometry *g, enum scene_mesh mesh)
{
   g->meshes[mesh].first_index = g->index_count;
   g->meshes[mesh].first_vertex = (int32_t)g->vertex_count;
   return g->meshes[mesh].first_vertex;
}

static void end_mesh(struct scene_geometry *g, enum scene_mesh mesh)
{
   g->meshes[mesh].index_count = g->index_count - g->meshes[mesh].first_index;
}

static void build_cube(struct scene_geometry *g)
{
   int32_t base = begin_mesh(g, SCENE_CUBE);
   for (int axis = 0; axis < 3; axis++) {
      for (int side = -1; side <= 1; side += 2) {
         uint16_t corners[4];
         for (int c = 0; c < 4; c++) {
            double u = c == 1 || c == 2 ? 1.0 : -1.0;
            double v = c >= 2 ? 1.0 : -1.0;
            double at[3];
            double normal[3] = {0.0, 0.0, 0.0};
            at[axis] = side;
            at[(axis + 1) % 3] = u;
            at[(axis + 2) % 3] = v;
            normal[axis] = side;
            corners[c] = add_vertex(g, base, at[0], at[1], at[2], normal[0], normal[1], normal[2], (u + 1.0) / 2.0,
                                    (v + 1.0) / 2.0);
         }
         add_quad(g, corners[0], corners[1], corners[2], corners[3]);
      }
   }
   end_mesh(g, SCENE_CUBE);
}

static void add_grid(struct scene_geometry *g, uint32_t rows, uint32_t columns)
{
   for (uint32_t r = 0; r < rows; r++) {
      for (uint32_t c = 0; c < columns; c++) {
         uint32_t at = r * (columns + 1) + c;
         add_quad(g, at, at + 1, at + columns + 2, at + columns + 1);
      }
   }
}

static void build_sphere(struct scene_geometry *g)
{
   enum { ROWS = 16, COLUMNS = 24 };
   int32_t base = begin_mesh(g, SCENE_SPHERE);
   for (uint32_t r = 0; r <= ROWS; r++) {
      for (uint32_t c = 0; c <= COLUMNS; c++) {
         double down = PI * r / ROWS;
         double around = 2.0 * PI * (c % COLUMNS) / COLUMNS;
         double x = sine(down) * cosine(around);
         double y = cosine(down);
         double z = sine(down) * sine(around);
         add_vertex(g, base, x, y, z, x, y, z, 2.0 * c / COLUMNS, 1.0 * r / ROWS);
      }
   }
   add_grid(g, ROWS, COLUMNS);
   end_mesh(g, SCENE_SPHERE);
}

static void build_torus(struct scene_geometry *g)
{
   enum { ROWS = 32, COLUMNS = 16 };
   const double thin = 0.4;
   int32_t base = begin_mesh(g, SCENE_TORUS);
   for (uint32_t r = 0; r <= ROWS; r++) {
      for (uint32_t c = 0; c <= COLUMNS; c++) {
         double large = 2.0 * PI * (r % ROWS) / ROWS;
         double small = 2.0 * PI * (c % COLUMNS) / COLUMNS;
         double nx = cosine(small) * cosine(large);
         double ny = sine(small);
         double nz = cosine(small) * sine(large);
         add_vertex(g, base, cosine(large) + thin * nx, thin * ny, sine(large) + thin * nz, nx, ny, nz, 4.0 * r / ROWS,
                    1.0 * c / COLUMNS);
      }
   }
   add_grid(g, ROWS, COLUMNS);
   end_mesh(g, SCENE_TORUS);
}

static void build_quad(struct scene_geometry *g)
{
   int32_t base = begin_mesh(g, SCENE_QUAD);
   add_vertex(g, base, -1, -1, 0, 0, 0, 1, 0, 0);
   add_vertex(g, base, 1, -1, 0, 0, 0, 1, 8, 0);
   add_vertex(g, base, 1, 1, 0, 0, 0, 1, 8, 8);
   add_vertex(g, base, -1, 1, 0, 0, 0, 1, 0, 8);
   add_quad(g, 0, 1, 2, 3);
   end_mesh(g, SCENE_QUAD);
}

void scene_build(struct scene_geometry *geometry)
{
   memset(geometry, 0, sizeof(*geometry));
   build_cube(geometry);
   build_sphere(geometry);
   build_torus(geometry);
   build_quad(geometry);
}

void scene_paint(uint8_t *texels)
{
   for (uint32_t y = 0; y < SCENE_TEXTURE; y++) {
      for (uint32_t x = 0; x < SCENE_TEXTURE; x++) {
         uint8_t *texel = texels + (y * SCENE_TEXTURE + x) * 4;
         uint32_t shade = ((x / 32 + y / 32) % 2) ? 224 : 96;
         uint32_t line = x % 64 < 3 || y % 64 < 3 ? 60 : 0;
         texel[0] = (uint8_t)(shade - line);
         texel[1] = (uint8_t)(shade / 2 + x / 4);
         texel[2] = (uint8_t)(shade / 2 + y / 4 + line / 2);
         texel[3] = 255;
      }
   }
}

/* out = a * b; out may be neither. */
static void multiply(const double a[16], const double b[16], double out[16])
{
   for (int column = 0; column < 4; column++) {
      for (int row = 0; row < 4; row++) {
         double sum = 0.0;
         for (int k = 0; k < 4; k++)
            sum += a[k * 4 + row] * b[column * 4 + k];
         out[column * 4 + row] = sum;
      }
   }
}

static void to_floats(const double in[16], float out[16])
{
   for (int i = 0; i < 16; i++)
      out[i] = (float)in[i];
}

static void turn(double angle, int from, int to, double out[16])
{
   memset(out, 0, 16 * sizeof(out[0]));
   for (int i = 0; i < 4; i++)
      out[i * 5] = 1.0;
   out[from * 5] = cosine(angle);
   out[to * 5] = cosine(angle);
   out[from * 4 + to] = sine(angle);
   out[to * 4 + from] = -sine(angle);
}

void scene_frame_at(uint32_t frame, float aspect, struct scene_frame *out)
{
   const double near = 1.0;
   const double far = 40.0;
   const double zoom = 1.6;
   double around[16];
   double down[16];
   double view[16];
   double place[16];
   double projection[16] = {0};

   /* y points down in clip space, depth runs from 0 to 1 */
   projection[0] = zoom / (double)aspect;
   projection[5] = -zoom;
   projection[10] = far / (near - far);
   projection[11] = -1.0;
   projection[14] = near * far / (near - far);
   turn(0.03 * frame, 2, 0, around);
   turn(0.45, 1, 2, down);
   multiply(down, around, view);
   view[14] -= 11.0;
   multiply(projection, view, place);
   to_floats(place, out->view_projection);
   memcpy(out->light, (const float[4]){0.48f, 0.8f, 0.36f, 0.25f}, sizeof(out->light));
}

/* Scaled, turned about two axes, moved. */
static void put(struct scene_object *object, double scale, double spin, double tilt, double x, double y, double z)
{
   double first[16];
   double second[16];
   double both[16];
   turn(spin, 2, 0, first);
   turn(tilt, 1, 2, second);
   multiply(first, second, both);
   for (int i = 0; i < 12; i++)
      both[i] *= scale;
   both[12] = x;
   both[13] = y;
   both[14] = z;
   to_floats(both, object->model);
}

static void put_marker(struct scene_object *object, float half_edge, float depth)
{
   memset(object->model, 0, sizeof(object->model));
   object->model[0] = half_edge;
   object->model[5] = half_edge;
   object->model[10] = 1.0f;
   object->model[12] = SCENE_MARKER_CENTRE;
   object->model[13] = SCENE_MARKER_CENTRE;
   object->model[14] = depth;
   object->model[15] = 1.0f;
}

void scene_objects_at(uint32_t frame, struct scene_object objects[SCENE_OBJECTS], enum scene_mesh meshes[SCENE_OBJECTS])
{
   static const enum scene_mesh which[SCENE_OBJECTS] = {SCENE_QUAD, SCENE_CUBE, SCENE_SPHERE, SCENE_TORUS,
                                                        SCENE_CUBE, SCENE_QUAD, SCENE_QUAD};
   static const float tints[SCENE_OBJECTS][4] = {
      {0.7f, 0.7f, 0.7f, 1.0f}, {1.0f, 0.5f, 0.3f, 1.0f}, {0.4f, 0.8f, 1.0f, 1.0f}, {1.0f, 0.9f, 0.3f, 1.0f},
      {0.6f, 1.0f, 0.6f, 1.0f}, {1.0f, 0.0f, 0.0f, 0.0f}, {0.0f, 1.0f, 0.0f, 0.0f},
   };
   double t = 0.1 * frame;
   memcpy(meshes, which, sizeof(which));
   for (int i = 0; i < SCENE_OBJECTS; i++)
      memcpy(objects[i].tint, tints[i], sizeof(tints[i]));
   put(&objects[0], 5.0, 0.0, -PI / 2.0, 0.0, -1.5, 0.0);
   put(&objects[1], 1.0, t, 0.3 + 0.5 * t, -2.5, 0.3, 0.5);
   put(&objects[2], 1.2, 0.7 * t, 0.0, 0.2, 0.2 + 0.6 * sine(2.0 * t), -0.5);
   put(&objects[3], 1.1, 0.5 * t, 0.9 + t, 2.7, 0.4, 0.3);
   put(&objects[4], 0.4, 2.0 * t, t, 1.8 * cosine(t), 2.0, 1.8 * sine(t));
   put_marker(&objects[5], SCENE_MARKER_RED, 0.1f);
   put_marker(&objects[6], SCENE_MARKER_GREEN, 0.2f);
}
