/* SPDX-License-Identifier: MIT */
#version 460
#extension GL_EXT_ray_tracing : require
struct Answer { uint color; float distance; };
layout(location = 0) rayPayloadInEXT Answer answer;
void main()
{
   answer.distance = -1.0;
}
