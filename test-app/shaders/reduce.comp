/* SPDX-License-Identifier: MIT */
/* sums[group] = sum of the group's 256 values, through shared memory */
#version 450
layout(local_size_x = 128) in;
layout(set = 0, binding = 0) readonly buffer Values { uint values[]; };
layout(set = 0, binding = 1) writeonly buffer Sums { uint sums[]; };
layout(push_constant) uniform Push { uint count; };
shared uint partial[128];
void main()
{
   uint local = gl_LocalInvocationID.x;
   uint i = gl_WorkGroupID.x * 256 + local;
   partial[local] = (i < count ? values[i] : 0) + (i + 128 < count ? values[i + 128] : 0);
   barrier();
   for (uint step = 64; step > 0; step >>= 1) {
      if (local < step)
         partial[local] += partial[local + step];
      barrier();
   }
   if (local == 0)
      sums[gl_WorkGroupID.x] = partial[0];
}
