/* SPDX-License-Identifier: MIT */
/* Counts values in 64 bins with atomic adds, and keeps the lowest and highest value and the xor of all. */
#version 450
layout(local_size_x = 64) in;
layout(set = 0, binding = 0) readonly buffer Values { uint values[]; };
layout(set = 0, binding = 1) buffer Result { uint bins[64]; uint lowest; uint highest; uint mixed; };
layout(push_constant) uniform Push { uint count; };
void main()
{
   uint i = gl_GlobalInvocationID.x;
   if (i >= count)
      return;
   uint value = values[i];
   atomicAdd(bins[value & 63u], 1);
   atomicMin(lowest, value);
   atomicMax(highest, value);
   atomicXor(mixed, value);
}
