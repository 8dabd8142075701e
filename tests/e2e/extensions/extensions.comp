#version 450
// SPDX-License-Identifier: MIT
layout(local_size_x = 64) in;
layout(binding = 0) buffer Numbers { uint numbers[]; };
layout(push_constant) uniform Constants { uint factor; };

void main() { numbers[gl_GlobalInvocationID.x] = gl_GlobalInvocationID.x * factor + 1; }
