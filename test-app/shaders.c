/* SPDX-License-Identifier: MIT */
#include "test-app/shaders.h"

#include <stdint.h>

#include "add.comp.h"
#include "flat.frag.h"
#include "fullscreen.vert.h"
#include "hash.comp.h"
#include "histogram.comp.h"
#include "matmul.comp.h"
#include "push.comp.h"
#include "reduce.comp.h"
#include "saxpy.comp.h"
#include "scan.comp.h"
#include "scan_add.comp.h"
#include "scene.frag.h"
#include "scene.vert.h"

#define SHADER(name)                     \
   {                                     \
      .code = name, .size = sizeof(name) \
   }

const struct app_shader shader_add = SHADER(add_comp);
const struct app_shader shader_flat = SHADER(flat_frag);
const struct app_shader shader_fullscreen = SHADER(fullscreen_vert);
const struct app_shader shader_hash = SHADER(hash_comp);
const struct app_shader shader_histogram = SHADER(histogram_comp);
const struct app_shader shader_matmul = SHADER(matmul_comp);
const struct app_shader shader_push = SHADER(push_comp);
const struct app_shader shader_reduce = SHADER(reduce_comp);
const struct app_shader shader_saxpy = SHADER(saxpy_comp);
const struct app_shader shader_scan = SHADER(scan_comp);
const struct app_shader shader_scan_add = SHADER(scan_add_comp);
const struct app_shader shader_scene_frag = SHADER(scene_frag);
const struct app_shader shader_scene_vert = SHADER(scene_vert);
