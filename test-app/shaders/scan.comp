/* SPDX-License-Identifier: MIT */
/* Inclusive prefix sum inside each block of 128 values; sums[group] = the block's total. */
#version 450
layout(local_size_x = 128) in;
layout(set = 0, binding = 0) buffer Values { uint values[]; };
layout(set = 0, binding = 1) writeonly buffer Sums { uint sums[]; };
layout(push_constant) uniform Push { uint count; };
shared uint block[128];
void main()
{
   uint local = gl_LocalInvocationID.x;
   uint i = gl_GlobalInvocationID.x;
   block[local] = i < count ? values[i] : 0;
   barrier();
   for (uint step = 1; step < 128; step <<= 1) {
      uint before = local >= step ? block[local - step] : 0;
      barrier();
      block[local] += before;
      barrier();
   }
   if (i < count)
      values[i] = block[local];
   if (local == 127)
      sums[gl_WorkGroupID.x] = block[127];
}
