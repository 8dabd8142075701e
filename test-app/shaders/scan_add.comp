/* SPDX-License-Identifier: MIT */
/* Second half of a prefix sum: adds the total of all blocks before to each value. */
#version 450
layout(local_size_x = 128) in;
layout(set = 0, binding = 0) buffer Values { uint values[]; };
layout(set = 0, binding = 1) readonly buffer Sums { uint sums[]; };
layout(push_constant) uniform Push { uint count; };
void main()
{
   uint i = gl_GlobalInvocationID.x;
   if (i < count && gl_WorkGroupID.x > 0)
      values[i] += sums[gl_WorkGroupID.x - 1];
}
