// SPDX-License-Identifier: MIT
#version 450
layout(set = 0, binding = 0, std430) buffer Words { uint words[]; };
layout(location = 0) flat in uint instance;
layout(location = 0) out vec4 colour;

void main()
{
   atomicAdd(words[instance], 1);
   colour = vec4(floor(gl_FragCoord.xy) / 255, float(instance + 1) / 255, 1);
}
