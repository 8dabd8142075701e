/* SPDX-License-Identifier: MIT */
#ifndef VP_TEST_APP_SHADERS_H
#define VP_TEST_APP_SHADERS_H

/* The shaders of shaders/, compiled to SPIR-V while the program is built. */

#include "test-app/app.h"

extern const struct app_shader shader_add;
extern const struct app_shader shader_flat;
extern const struct app_shader shader_fullscreen;
extern const struct app_shader shader_hash;
extern const struct app_shader shader_histogram;
extern const struct app_shader shader_matmul;
extern const struct app_shader shader_push;
extern const struct app_shader shader_reduce;
extern const struct app_shader shader_saxpy;
extern const struct app_shader shader_scan;
extern const struct app_shader shader_scan_add;
extern const struct app_shader shader_scene_frag;
extern const struct app_shader shader_scene_vert;

#endif
