/* SPDX-License-Identifier: MIT */
/* The colour stands in the shader binding table, in the record of the instance. */
#version 460
#extension GL_EXT_ray_tracing : require
#extension GL_GOOGLE_include_directive : require
#include "ray_scene.glsl"
struct Answer { uint color; float distance; };
layout(location = 0) rayPayloadInEXT Answer answer;
layout(shaderRecordEXT) buffer Record { uint tint; };
void main()
{
   answer = Answer(solid_color(tint, gl_PrimitiveID), gl_HitTEXT);
}
