/* SPDX-License-Identifier: MIT */
/* What an image holds that is bound to memory in parts, in a grid of 256 x 192 places, and whether memory is there. */
#version 450
#extension GL_ARB_sparse_texture2 : require
layout(local_size_x = 8, local_size_y = 8) in;
layout(set = 0, binding = 0) uniform sampler2D image;
struct Texel { uint resident; uint color; };
layout(set = 0, binding = 1) writeonly buffer Picture { Texel texels[]; };
void main()
{
   ivec2 place = ivec2(gl_GlobalInvocationID.xy);
   vec4 color = vec4(0.0);
   int code = sparseTexelFetchARB(image, place * textureSize(image, 0) / ivec2(256, 192), 0, color);
   texels[place.y * 256 + place.x] = Texel(sparseTexelsResidentARB(code) ? 1 : 0, packUnorm4x8(color));
}
