/* SPDX-License-Identifier: MIT */
#version 460
#extension GL_EXT_ray_tracing : require
#extension GL_GOOGLE_include_directive : require
#include "ray_scene.glsl"
struct Answer { uint color; float distance; };
layout(location = 0) rayPayloadInEXT Answer answer;
void main()
{
   answer = Answer(sky_color(gl_LaunchIDEXT.y), -1.0);
}
