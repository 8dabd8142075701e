// SPDX-License-Identifier: MIT
#version 450
// Looks for a word far behind a buffer of 256 bytes, and writes there.

layout(local_size_x = 64) in;
layout(binding = 0) buffer Small { uint words[]; } small;
layout(binding = 1) buffer Counts { uint canaries, others; } counts;

void main()
{
   for (uint i = 0; i < 1024; i++) {
      const uint place = 64 + (gl_GlobalInvocationID.x * 1024 + i);
      const uint word = small.words[place];
      if (word == 0xca9a71e5u)
         atomicAdd(counts.canaries, 1);
      else if (word != 0)
         atomicAdd(counts.others, 1);
      if (i % 256 == 0)
         small.words[place] = 0xdeadbeefu;
   }
}
