/* SPDX-License-Identifier: MIT */
/* The same data as memory_write_pages() of bench_memory_data.c writes; each workgroup makes four pages. */
#version 450
layout(local_size_x = 64) in;
layout(set = 0, binding = 0) readonly buffer Noise { uint noise[]; };
layout(set = 0, binding = 1) writeonly buffer Data { uint data[]; };
layout(push_constant) uniform Push { uint round; };

uint page_key(uint page)
{
   uint key = (page + round * 65537) * 2654435769u;
   key = (key ^ key >> 15) * 0x85ebca6bu;
   return key ^ key >> 13;
}

void main()
{
   for (uint i = 0; i < 64; i++) {
      uint word = gl_WorkGroupID.x * 4096 + i * 64 + gl_LocalInvocationID.x;
      uint key = page_key(word / 1024);
      data[word] = noise[(key >> 16) + word % 1024] ^ key;
   }
}
