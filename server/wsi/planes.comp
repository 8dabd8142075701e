// SPDX-License-Identifier: MIT
// Makes planes of a picture as vp_planes_make does (common/picture/planes.c), to the last bit: each invocation 8 pixels
// of two rows. Bytes are written by fours.
#version 450

layout(local_size_x = 8, local_size_y = 8) in;
layout(push_constant) uniform Parameters {
   uint width, height; // of the picture
   uint first;         // word where the planes begin
};
layout(set = 0, binding = 0) buffer Words { uint words[]; };

uint fetch(uint x, uint y)
{
   return words[min(y, height - 1) * width + min(x, width - 1)];
}

// Blue, green, red.
ivec3 split(uint pixel)
{
   return ivec3(pixel & 255, pixel >> 8 & 255, pixel >> 16 & 255);
}

int brightness(ivec3 pixel)
{
   return (19 * pixel.x + 183 * pixel.y + 54 * pixel.z + 128) >> 8;
}

void main()
{
   const uint stride = (width + 7) / 8 * 8, rows = (height + 1) / 2;
   const uint x = gl_GlobalInvocationID.x * 8, y = gl_GlobalInvocationID.y * 2;
   const uint size = stride * rows / 2; // words of the first plane
   uint upper[2] = uint[](0, 0), lower[2] = uint[](0, 0), blues = 0, reds = 0;

   if (x >= stride || y >= 2 * rows)
      return;
   for (uint i = 0; i < 4; i++) {
      ivec3 sum = ivec3(2);
      for (uint j = 0; j < 2; j++) {
         const uint at = 2 * i + j, shift = at % 4 * 8;
         const ivec3 above = split(fetch(x + at, y)), below = split(fetch(x + at, y + 1));
         upper[at / 4] |= uint(brightness(above)) << shift;
         lower[at / 4] |= uint(brightness(below)) << shift;
         sum += above + below;
      }
      const ivec3 mean = sum >> 2;
      blues |= uint(((128 * mean.x - 99 * mean.y - 29 * mean.z + 127) >> 8) + 128) << 8 * i;
      reds |= uint(((128 * mean.z - 116 * mean.y - 12 * mean.x + 127) >> 8) + 128) << 8 * i;
   }
   const uint at = first + (y * stride + x) / 4, colour = first + size + (y / 2 * (stride / 2) + x / 2) / 4;
   words[at] = upper[0];
   words[at + 1] = upper[1];
   words[at + stride / 4] = lower[0];
   words[at + stride / 4 + 1] = lower[1];
   words[colour] = blues;
   words[colour + size / 4] = reds;
}
