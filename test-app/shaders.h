/* SPDX-License-Identifier: MIT */
#ifndef VP_TEST_APP_SHADERS_H
#define VP_TEST_APP_SHADERS_H

/* The shaders of shaders/, compiled to SPIR-V while the program is built. */

#include "test-app/app.h"

extern const struct app_shader shader_add;
extern const struct app_shader shader_atomics;
extern const struct app_shader shader_atomics_shared;
extern const struct app_shader shader_flat;
extern const struct app_shader shader_fullscreen;
extern const struct app_shader shader_gems_frag;
extern const struct app_shader shader_gems_mesh;
extern const struct app_shader shader_gems_task;
extern const struct app_shader shader_hash;
extern const struct app_shader shader_histogram;
extern const struct app_shader shader_matmul;
extern const struct app_shader shader_push;
extern const struct app_shader shader_ray_ground;
extern const struct app_shader shader_ray_lit;
extern const struct app_shader shader_ray_query;
extern const struct app_shader shader_ray_rgen;
extern const struct app_shader shader_ray_sky;
extern const struct app_shader shader_ray_solid;
extern const struct app_shader shader_reduce;
extern const struct app_shader shader_saxpy;
extern const struct app_shader shader_scan;
extern const struct app_shader shader_scan_add;
extern const struct app_shader shader_scene_frag;
extern const struct app_shader shader_scene_vert;
extern const struct app_shader shader_sparse;
extern const struct app_shader shader_splat;

#endif
