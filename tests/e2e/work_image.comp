// SPDX-License-Identifier: MIT
#version 450
layout(local_size_x = 16, local_size_y = 16) in;

layout(set = 0, binding = 0, std430) buffer Words { uint words[]; };
layout(set = 1, binding = 0) uniform sampler2D picture;
layout(set = 1, binding = 1, rgba8) uniform writeonly image2D copy;
layout(set = 1, binding = 2) uniform utextureBuffer numbers;
layout(set = 1, binding = 5) uniform Plus { uint plus; };

/* Turns the picture round, and adds up what else there is. */
void main()
{
   ivec2 place = ivec2(gl_LocalInvocationID.xy);
   vec4 colour = textureLod(picture, (vec2(15 - place) + 0.5) / 16, 0);
   imageStore(copy, place, colour);
   words[gl_LocalInvocationIndex] = uint(colour.r * 255 + 0.5) + texelFetch(numbers, place.x).r + plus;
}
