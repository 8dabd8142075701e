/* SPDX-License-Identifier: MIT */
/* c = a * b for square matrices whose size is a multiple of 8, in tiles held in shared memory */
#version 450
layout(local_size_x = 8, local_size_y = 8) in;
layout(set = 0, binding = 0) readonly buffer A { float a[]; };
layout(set = 0, binding = 1) readonly buffer B { float b[]; };
layout(set = 0, binding = 2) writeonly buffer C { float c[]; };
layout(push_constant) uniform Push { uint size; };
shared float tile_a[8][8];
shared float tile_b[8][8];
void main()
{
   uint row = gl_GlobalInvocationID.y;
   uint column = gl_GlobalInvocationID.x;
   uvec2 local = gl_LocalInvocationID.xy;
   float sum = 0.0;
   for (uint tile = 0; tile < size; tile += 8) {
      tile_a[local.y][local.x] = a[row * size + tile + local.x];
      tile_b[local.y][local.x] = b[(tile + local.y) * size + column];
      barrier();
      for (uint k = 0; k < 8; k++)
         sum += tile_a[local.y][k] * tile_b[k][local.x];
      barrier();
   }
   c[row * size + column] = sum;
}
