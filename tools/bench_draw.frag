/* SPDX-License-Identifier: MIT */
/* Pixels that are new in each frame; pixel_of() of bench_frames.c makes the same. */
#version 450
layout(push_constant) uniform Push { vec4 push_place; uint round; };
layout(location = 0) out vec4 color;

void main()
{
   uint key = (uint(gl_FragCoord.x) + uint(gl_FragCoord.y) * 4096 + round * 65537) * 2654435769u;
   key = (key ^ key >> 15) * 0x85ebca6bu;
   color = unpackUnorm4x8(key ^ key >> 13);
}
