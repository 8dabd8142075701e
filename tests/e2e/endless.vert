// SPDX-License-Identifier: MIT
#version 450

layout(set = 0, binding = 0, std430) readonly volatile buffer Words { uint words[]; };

/* See endless.comp. */
void main()
{
   while (words[0] == 0) {}
   gl_Position = vec4(0, 0, 0, words[1]);
}
