/* SPDX-License-Identifier: MIT */
/* Every atomic operation on 64 bits, in such a way that the order does not matter. */
#version 450
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require
#extension GL_EXT_shader_atomic_int64 : require
layout(local_size_x = 64) in;
layout(set = 0, binding = 0) readonly buffer Values { uint64_t values[]; };
layout(set = 0, binding = 1) buffer Result {
   uint64_t sum;
   uint64_t least;
   uint64_t most;
   uint64_t all;
   uint64_t any;
   uint64_t mixed;
   uint64_t kept;   /* the value that was stored last */
   uint64_t passed; /* the sum of those that were there before */
   uint64_t swapped;
   int64_t signed_least;
   int64_t signed_most;
};
void main()
{
   uint64_t value = values[gl_GlobalInvocationID.x];
   atomicAdd(sum, value);
   atomicMin(least, value);
   atomicMax(most, value);
   atomicAnd(all, value);
   atomicOr(any, value);
   atomicXor(mixed, value);
   atomicAdd(passed, atomicExchange(kept, value));
   atomicMin(signed_least, int64_t(value));
   atomicMax(signed_most, int64_t(value));
   uint64_t seen = 0;
   for (int tries = 0; tries < 1000000; tries++) {
      uint64_t before = atomicCompSwap(swapped, seen, seen + (value ^ 0xffffffffffffffffUL));
      if (before == seen)
         break;
      seen = before;
   }
}
