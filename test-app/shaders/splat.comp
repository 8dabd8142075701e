/* SPDX-License-Identifier: MIT */
/* Each invocation draws a ball: the pixel of what is nearest stays, since depth is above colour in 64 bits. */
#version 450
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require
#extension GL_EXT_shader_atomic_int64 : require
layout(local_size_x = 64) in;
layout(set = 0, binding = 0) readonly buffer Balls { ivec4 balls[]; }; /* x, y, radius, depth << 8 | colour */
layout(set = 0, binding = 1) buffer Picture { uint64_t pixels[]; };
layout(push_constant) uniform Push { int count; int width; int height; };
void main()
{
   if (gl_GlobalInvocationID.x >= uint(count))
      return;
   ivec4 ball = balls[gl_GlobalInvocationID.x];
   int radius = ball.z * ball.z;
   ivec2 low = max(ball.xy - ball.z, ivec2(0));
   ivec2 high = min(ball.xy + ball.z, ivec2(width, height) - 1);
   for (int y = low.y; y <= high.y; y++) {
      for (int x = low.x; x <= high.x; x++) {
         int height_here = radius - (x - ball.x) * (x - ball.x) - (y - ball.y) * (y - ball.y);
         if (height_here <= 0)
            continue;
         uint depth = uint((ball.w >> 8) + height_here);
         uint low_bits = uint(ball.w & 255) << 8 | uint(64 + 191 * height_here / radius);
         atomicMax(pixels[y * width + x], uint64_t(depth) << 32 | uint64_t(low_bits));
      }
   }
}
