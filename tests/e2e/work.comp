// SPDX-License-Identifier: MIT
#version 450
layout(local_size_x = 64) in;

layout(set = 0, binding = 0, std430) buffer Words { uint words[]; };
layout(push_constant) uniform Push { uint factor; };
layout(constant_id = 0) const uint plus = 7;

void main()
{
   uint i = gl_GlobalInvocationID.x;
   if (i < words.length())
      words[i] = i * factor + plus;
}
