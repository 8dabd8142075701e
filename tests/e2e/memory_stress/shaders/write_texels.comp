// SPDX-License-Identifier: MIT
#version 450
layout(local_size_x = 64) in;

layout(set = 0, binding = 0, r32ui) uniform uimageBuffer target;

// The same as in write_address.comp, and struct program_write.
layout(push_constant, std430) uniform Write { uvec2 address; uint first, stride, count, add, value; } write;

void main()
{
   uint i = gl_GlobalInvocationID.x, word = write.first + i * write.stride;
   if (i >= write.count)
      return;
   if (write.add != 0)
      imageAtomicAdd(target, int(word), write.value);
   else
      imageStore(target, int(word), uvec4(write.value + i * 2654435761u));
}
