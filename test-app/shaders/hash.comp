/* SPDX-License-Identifier: MIT */
/* words[i] = a mix of i and the seed, in rows of 65535 work groups so that any size fits the group limits */
#version 450
layout(local_size_x = 64) in;
layout(set = 0, binding = 0) writeonly buffer Words { uint words[]; };
layout(push_constant) uniform Push { uint count; uint seed; };
void main()
{
   uint i = gl_GlobalInvocationID.y * (gl_NumWorkGroups.x * 64) + gl_GlobalInvocationID.x;
   if (i >= count)
      return;
   uint h = i * 0x9e3779b1u + seed;
   h ^= h >> 15;
   h *= 0x85ebca77u;
   h ^= h >> 13;
   words[i] = h;
}
