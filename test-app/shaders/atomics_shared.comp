/* SPDX-License-Identifier: MIT */
/* Sums of 64 bits by the values' lowest four, in shared memory first. */
#version 450
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require
#extension GL_EXT_shader_atomic_int64 : require
layout(local_size_x = 64) in;
layout(set = 0, binding = 0) readonly buffer Values { uint64_t values[]; };
layout(set = 0, binding = 1) buffer Result { uint64_t sums[16]; uint64_t most[16]; };
shared uint64_t group_sums[16];
shared uint64_t group_most[16];
void main()
{
   uint lane = gl_LocalInvocationIndex;
   uint64_t value = values[gl_GlobalInvocationID.x];
   uint bin = uint(value) & 15u;
   if (lane < 16) {
      group_sums[lane] = 0;
      group_most[lane] = 0;
   }
   barrier();
   atomicAdd(group_sums[bin], value);
   atomicMax(group_most[bin], value);
   barrier();
   if (lane < 16) {
      atomicAdd(sums[lane], group_sums[lane]);
      atomicMax(most[lane], group_most[lane]);
   }
}
