/* SPDX-License-Identifier: MIT */
/* words[first + i] += amount for i < count */
#version 450
layout(local_size_x = 64) in;
layout(set = 0, binding = 0) buffer Words { uint words[]; };
layout(push_constant) uniform Push { uint first; uint count; uint amount; };
void main()
{
   uint i = gl_GlobalInvocationID.x;
   if (i < count)
      words[first + i] += amount;
}
