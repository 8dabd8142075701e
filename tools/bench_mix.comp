/* SPDX-License-Identifier: MIT */
#version 450
#extension GL_GOOGLE_include_directive : require
#include "bench_mix.glsl"
layout(local_size_x = 1) in;
layout(set = 0, binding = 0) buffer Data { uint data[]; };
layout(push_constant) uniform Push { vec4 push_place; uint round; };

void main()
{
   data[round] = mix_of(data[round]);
}
