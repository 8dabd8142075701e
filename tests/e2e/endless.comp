// SPDX-License-Identifier: MIT
#version 450
layout(local_size_x = 1) in;

layout(set = 0, binding = 0, std430) volatile buffer Words { uint words[]; };

/* Ends when somebody writes to the buffer, which nobody does. Drivers for the CPU end loops after some time, but there
 * are many of these. */
void main()
{
   while (words[0] == 0) {}
   words[1] = 1;
}
