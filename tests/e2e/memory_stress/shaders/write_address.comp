// SPDX-License-Identifier: MIT
#version 450
#extension GL_EXT_buffer_reference : require
layout(local_size_x = 64) in;

layout(buffer_reference, std430, buffer_reference_align = 4) buffer Target { uint words[]; };

layout(push_constant, std430) uniform Write { Target target; uint first, stride, count, add, value; } write;

void main()
{
   uint i = gl_GlobalInvocationID.x, word = write.first + i * write.stride;
   if (i >= write.count)
      return;
   if (write.add != 0)
      atomicAdd(write.target.words[word], write.value);
   else
      write.target.words[word] = write.value + i * 2654435761u;
}
