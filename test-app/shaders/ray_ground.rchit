/* SPDX-License-Identifier: MIT */
#version 460
#extension GL_EXT_ray_tracing : require
#extension GL_GOOGLE_include_directive : require
#include "ray_scene.glsl"
struct Answer { uint color; float distance; };
layout(location = 0) rayPayloadInEXT Answer answer;
void main()
{
   answer = Answer(ground_color(gl_WorldRayOriginEXT + gl_WorldRayDirectionEXT * gl_HitTEXT), gl_HitTEXT);
}
