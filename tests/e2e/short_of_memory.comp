// SPDX-License-Identifier: MIT
#version 450
layout(local_size_x = 64) in;

layout(set = 0, binding = 0, std430) buffer Numbers { uint words[]; } numbers;

void main()
{
   numbers.words[gl_GlobalInvocationID.x] += gl_GlobalInvocationID.x;
}
