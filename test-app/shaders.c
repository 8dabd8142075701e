/* SPDX-License-Identifier: MIT */
#include "test-app/shaders.h"

#include <stdint.h>

#include "add.comp.h"
#include "atomics.comp.h"
#include "atomics_shared.comp.h"
#include "flat.frag.h"
#include "fullscreen.vert.h"
#include "gems.frag.h"
#include "gems.mesh.h"
#include "gems.task.h"
#include "hash.comp.h"
#include "histogram.comp.h"
#include "matmul.comp.h"
#include "push.comp.h"
#include "ray.rgen.h"
#include "ray_ground.rchit.h"
#include "ray_lit.rmiss.h"
#include "ray_query.comp.h"
#include "ray_sky.rmiss.h"
#include "ray_solid.rchit.h"
#include "reduce.comp.h"
#include "saxpy.comp.h"
#include "scan.comp.h"
#include "scan_add.comp.h"
#include "scene.frag.h"
#include "scene.vert.h"
#include "sparse.comp.h"
#include "splat.comp.h"

#define SHADER(name)                     \
   {                                     \
      .code = name, .size = sizeof(name) \
   }

const struct app_shader shader_add = SHADER(add_comp);
const struct app_shader shader_atomics = SHADER(atomics_comp);
const struct app_shader shader_atomics_shared = SHADER(atomics_shared_comp);
const struct app_shader shader_flat = SHADER(flat_frag);
const struct app_shader shader_fullscreen = SHADER(fullscreen_vert);
const struct app_shader shader_gems_frag = SHADER(gems_frag);
const struct app_shader shader_gems_mesh = SHADER(gems_mesh);
const struct app_shader shader_gems_task = SHADER(gems_task);
const struct app_shader shader_hash = SHADER(hash_comp);
const struct app_shader shader_histogram = SHADER(histogram_comp);
const struct app_shader shader_matmul = SHADER(matmul_comp);
const struct app_shader shader_push = SHADER(push_comp);
const struct app_shader shader_ray_ground = SHADER(ray_ground_rchit);
const struct app_shader shader_ray_lit = SHADER(ray_lit_rmiss);
const struct app_shader shader_ray_query = SHADER(ray_query_comp);
const struct app_shader shader_ray_rgen = SHADER(ray_rgen);
const struct app_shader shader_ray_sky = SHADER(ray_sky_rmiss);
const struct app_shader shader_ray_solid = SHADER(ray_solid_rchit);
const struct app_shader shader_reduce = SHADER(reduce_comp);
const struct app_shader shader_saxpy = SHADER(saxpy_comp);
const struct app_shader shader_scan = SHADER(scan_comp);
const struct app_shader shader_scan_add = SHADER(scan_add_comp);
const struct app_shader shader_scene_frag = SHADER(scene_frag);
const struct app_shader shader_scene_vert = SHADER(scene_vert);
const struct app_shader shader_sparse = SHADER(sparse_comp);
const struct app_shader shader_splat = SHADER(splat_comp);
