/* SPDX-License-Identifier: MIT */
#version 450
#extension GL_GOOGLE_include_directive : require
#include "bench_mix.glsl"
layout(push_constant) uniform Push { vec4 push_place; uint round; };
layout(location = 0) out vec4 color;

void main()
{
   color = unpackUnorm4x8(mix_of(round));
}
